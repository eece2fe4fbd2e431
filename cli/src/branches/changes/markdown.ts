import { formatCount } from '../../text/text.ts';
import type { Exceeded } from './limits.ts';
import type { Example, MartChange } from './mart-change.ts';
import { changeInWords, exceededSentence, valuesInWords } from './words.ts';

interface Changes {
  readonly marts: readonly MartChange[];
  readonly exceeded: readonly Exceeded[];
  readonly removed: readonly string[];
}

/** What a branch does to the numbers, as Markdown: what exceeds a limit, a table of the marts, then each that differs, folded. */
export function renderChangesMarkdown({ marts, exceeded, removed }: Changes): string {
  const different = marts.filter(({ status }) => status === 'changed');
  const parts = [
    ...exceeded.map((one) => `❌ ${escaped(exceededSentence(one))}.`),
    ...(removed.length === 0 ? [] : [`No longer in the project: ${removed.map(code).join(', ')}.`]),
    marts.length === 0
      ? 'No public model is built differently.'
      : table(
          ['model', 'rows now', 'rows in the branch', 'what differs'],
          marts.map((mart) => [
            code(mart.name),
            mart.status === 'new' ? '' : formatCount(mart.rows.before),
            formatCount(mart.rows.after),
            `${changeInWords(mart)}${mart.drift === undefined ? '' : ` (also because of ${mart.drift})`}`,
          ]),
        ),
    ...different.map(section),
  ];
  return parts.join('\n\n');
}

function section(mart: MartChange): string {
  const schema = mart.columns.map(({ column, from, to }) => [column, from ?? 'missing', to ?? 'missing']);
  const values = mart.values.map((one) => [
    one.column,
    one.differing === null ? '' : formatCount(one.differing),
    valuesInWords(one).join('; '),
  ]);
  const parts = [
    ...(schema.length === 0 ? [] : [table(['column', 'type now', 'type in the branch'], schema)]),
    ...(mart.key.length === 0 ? ['No key is known, so a changed row counts as one removed and one added.'] : []),
    ...(values.length === 0 ? [] : [table(['column', 'values that differ', 'distribution'], values)]),
    ...(mart.examples.length === 0
      ? []
      : [table(['row', 'column', 'now', 'in the branch'], mart.examples.flatMap(exampleRows))]),
  ];
  return `<details><summary>${escaped(`${mart.name}: ${changeInWords(mart)}`)}</summary>\n\n${parts.join('\n\n')}\n\n</details>`;
}

/** A line per cell that differs, or one for a row that only one side has. */
export function exampleRows({ kind, key, cells }: Example): string[][] {
  const named = Object.entries(key)
    .map(([column, value]) => `${column} = ${value ?? 'null'}`)
    .join(', ');
  if (kind !== 'changed')
    return [[named, '', kind === 'removed' ? 'there' : 'missing', kind === 'added' ? 'there' : 'missing']];
  if (cells.length === 0) return [[named, 'personal columns', '', '']];
  return cells.map(({ column, before, after }) => [named, column, before ?? 'null', after ?? 'null']);
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n');
}

/** The longest text that a cell shows. */
const WIDEST = 200;

const cell = (text: string): string =>
  escaped(text.length > WIDEST ? `${text.slice(0, WIDEST)}…` : text)
    .replaceAll('\\', '\\\\')
    .replaceAll('|', '\\|');

/** Values come from data, and must not become HTML or links to people. */
const escaped = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('@', '&#64;')
    .replaceAll(/\s+/g, ' ');

const code = (name: string): string => `\`${name.replaceAll('`', "'")}\``;
