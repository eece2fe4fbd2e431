import { code, dataCell, escaped, markdownTable } from '../../text/markdown.ts';
import { formatCount } from '../../text/text.ts';
import type { Exceeded } from './limits.ts';
import type { Example, MartChange } from './mart-change.ts';
import { changeInWords, exceededSentence, NO_KEY, valuesInWords } from './words.ts';

interface Changes {
  readonly marts: readonly MartChange[];
  readonly exceeded: readonly Exceeded[];
  readonly removed: readonly string[];
}

/** What a branch does to the numbers, as Markdown. */
export const renderChangesMarkdown = (changes: Changes): string =>
  [overviewOf(changes), ...detailsOf(changes)].join('\n\n');

/** What exceeds a limit, and a table of the marts. */
export function overviewOf({ marts, exceeded, removed }: Changes): string {
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
  ];
  return parts.join('\n\n');
}

/** Each mart that differs, folded. */
export const detailsOf = ({ marts }: Pick<Changes, 'marts'>): string[] =>
  marts.filter(({ status }) => status === 'changed').map(section);

function section(mart: MartChange): string {
  const schema = mart.columns.map(({ column, from, to }) => [column, from ?? 'missing', to ?? 'missing']);
  const values = mart.values.map((one) => [
    one.column,
    one.differing === null ? '' : formatCount(one.differing),
    valuesInWords(one).join('; '),
  ]);
  const parts = [
    ...(schema.length === 0 ? [] : [table(['column', 'type now', 'type in the branch'], schema)]),
    ...(mart.key.length === 0 ? [NO_KEY] : []),
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

const table = (heads: readonly string[], rows: readonly (readonly string[])[]): string =>
  markdownTable(heads, rows, dataCell);
