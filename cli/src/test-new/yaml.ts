import { quoteIdentifier } from '../warehouse/sql.ts';
import type { Cell } from '../warehouse/warehouse.ts';
import type { CompiledModel } from './compiled-model.ts';
import { literal } from './literal.ts';
import { isNested, type Rows } from './workbench.ts';

export interface FixtureText {
  readonly name: string;
  readonly description: string;
  readonly model: CompiledModel;
  /** In the order of the model's inputs. */
  readonly given: readonly Rows[];
  readonly expected: Rows;
}

/** Renders a dbt unit test, one row per line. */
export function fixtureYaml({ name, description, model, given, expected }: FixtureText): string {
  return [
    'unit_tests:',
    `  - name: ${name}`,
    `    description: ${text(description)}`,
    `    model: ${model.name}`,
    ...(model.version === undefined ? [] : ['    versions:', `      include: [${JSON.stringify(model.version)}]`]),
    ...(model.isIncremental ? ['    overrides:', '      macros: {is_incremental: false}'] : []),
    '    given:',
    ...model.inputs.flatMap(({ reference }, index) => {
      const rows = given[index] ?? { columns: [], rows: [] };
      return [`      - input: ${reference}`, ...table(rows, '        ')];
    }),
    '    expect:',
    ...table(expected, '      '),
    '',
  ].join('\n');
}

function table(rows: Rows, indent: string): string[] {
  if (rows.rows.length === 0) return [`${indent}rows: []`];
  if (rows.columns.some(isNested)) return sqlTable(rows, indent);
  const lines = rows.rows.map((row) =>
    rows.columns.map(({ name }, index) => `${columnKey(name)}: ${value(row[index] ?? null)}`).join(', '),
  );
  return [`${indent}rows:`, ...lines.map((line) => `${indent}  - {${line}}`)];
}

function sqlTable({ columns, rows }: Rows, indent: string): string[] {
  const selects = rows.map((row) => {
    const cells = row.map(
      (cell, index) =>
        `${literal(cell, columns[index]?.type ?? 'VARCHAR')} as ${quoteIdentifier(columns[index]?.name ?? '')}`,
    );
    return `select ${cells.join(', ')}`;
  });
  const lines = selects.flatMap((select, index) => (index === 0 ? [select] : ['union all', select]));
  return [`${indent}format: sql`, `${indent}rows: |`, ...lines.map((line) => `${indent}  ${line}`)];
}

function value(cell: Cell): string {
  if (typeof cell === 'number') return isExact(cell) ? String(cell) : text(String(cell));
  if (cell === null || typeof cell === 'boolean') return String(cell);
  if (typeof cell === 'object') return JSON.stringify(cell);
  return text(isMoment(cell) ? cell.replace('T', ' ') : cell);
}

/** Whether a double can be written as a number: SQL parses numbers as decimals, which loses digits of long doubles. */
const isExact = (number: number): boolean => String(number).replaceAll(/\D/g, '').length <= 15;

const isMoment = (cell: string): boolean => /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?$/.test(cell);

/** Quotes column names that YAML would read as booleans or null, such as `n`. */
const columnKey = (name: string): string =>
  /^[A-Za-z_]\w*$/.test(name) && !/^(y|n|yes|no|on|off|true|false|null)$/i.test(name) ? name : text(name);

const UNPRINTABLE = /[\p{Cc}\u2028\u2029\ufeff]/gu;

/** A YAML string; unprintable characters need double quotes. */
function text(plain: string): string {
  if (plain.search(UNPRINTABLE) < 0) return `'${plain.replaceAll("'", "''")}'`;
  const escaped = (character: string): string => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`;
  return `"${plain.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll(UNPRINTABLE, escaped)}"`;
}
