import { type Document, isMap, isScalar, isSeq, parseDocument, type YAMLMap, YAMLSeq } from 'yaml';
import { MeetupError } from '../../config/errors.ts';
import type { RawTable } from '../../ingest/raw-tables.ts';
import type { Contract, Contracts } from '../../ingest/schemas.ts';
import { isNameableInDbt, needsQuotes } from './column-names.ts';
import { type DescribedProperty, describedColumns } from './properties.ts';

/** Descriptions of the columns that `load` adds. */
const METADATA: Readonly<Record<string, string>> = {
  _batch_id: 'Id of the batch that contains the record (derived from its content).',
  _batch_seq: 'Number of the batch in loading order, from 1.',
  _dropped_on: 'Date of the drop that contains the record.',
  _source_file: 'The file that contains the record.',
  _record_index: "The record's position in that file, from 0.",
  _loaded_at: 'When it was loaded (UTC).',
};

/** How the project tests that columns are never null. */
type NullTest = 'no_nulls' | 'not_null';

/** A new sources file for a project that has none. */
export const EMPTY_SOURCES = `version: 2

sources:
  - name: raw
    description: >
      The JSON files as loaded: validated, typed, append-only. Each new version of a record is a new row; the one with the highest
      (_dropped_on, _batch_seq, _record_index) is the latest.
    schema: raw
    tables: []
`;

/** Whether a YAML file declares the source of the raw tables. */
export const declaresRaw = (text: string): boolean => {
  if (!/^sources:/m.test(text)) return false;
  return rawSource(parseDocument(text)) !== undefined;
};

/**
 * A sources file in which each entity's table has the description, columns and null tests of its schema. Everything else is kept:
 * freshness, other tests, other tables, comments.
 */
export function withEntities(file: string, text: string, contracts: Contracts, tables: readonly RawTable[]): string {
  // dbt reads YAML 1.1, in which a bare `on` is true.
  const document = parseDocument(text, { version: '1.1' });
  const [fault] = document.errors;
  if (fault !== undefined)
    throw new MeetupError(`${file} is not YAML: ${fault.message.split('\n')[0]?.replace(/:$/, '')}.`);
  const source = rawSource(document);
  const list = source?.get('tables');
  if (source === undefined || !isSeq<unknown>(list))
    throw new MeetupError(`The source raw in ${file} has no list of tables.`);
  const test: NullTest = text.includes('no_nulls') ? 'no_nulls' : 'not_null';
  let position = 0;
  for (const [entity, contract] of contracts) {
    const metadata = tables.find(({ name }) => name === entity)?.columns.filter(({ name }) => name in METADATA) ?? [];
    const known = list.items.findIndex((item) => isMap(item) && item.get('name') === entity);
    const table = known === -1 ? document.createNode({ name: entity }) : list.items[known];
    if (!isMap(table)) continue;
    if (known === -1) list.items.splice(position, 0, table);
    position = list.items.indexOf(table) + 1;
    describeTable(
      document,
      table,
      entity,
      contract,
      metadata.map(({ name }) => name),
      test,
    );
  }
  list.flow = false;
  return document.toString({ lineWidth: 140, flowCollectionPadding: false });
}

function rawSource(document: Document): YAMLMap | undefined {
  const sources = document.get('sources');
  if (!isSeq<unknown>(sources)) return undefined;
  return sources.items.filter((item) => isMap(item)).find((item) => item.get('name') === 'raw');
}

function describeTable(
  document: Document,
  table: YAMLMap,
  entity: string,
  contract: Contract,
  metadata: readonly string[],
  test: NullTest,
): void {
  const more = typeof contract.schema.description === 'string' ? ` ${plain(contract.schema.description.trim())}` : '';
  table.set('description', `One row per record of ${entity}.json that was loaded.${more}`);
  const columns = describedColumns(contract);
  const filled = [
    ...columns.filter(isFilled).map(({ name }) => name),
    ...metadata.filter((name) => name !== '_batch_id'),
  ];
  if (test === 'no_nulls') requireNoNulls(document, table, filled);
  const described = [
    ...columns.map((column) => columnEntry(column, test)),
    ...metadata.map((name) => ({ name, description: METADATA[name] })),
  ];
  const list = new YAMLSeq();
  for (const entry of described) {
    const node = document.createNode(entry);
    if (isMap(node)) node.flow = true;
    list.add(node);
  }
  table.set('columns', list);
}

/** dbt renders descriptions as Jinja. */
const plain = (text: string): string => text.replaceAll(/\{(?=[{%#])/g, '{ ');

/** Required, and never null. */
const isFilled = ({ isRequired, isNullable }: DescribedProperty): boolean => isRequired && !isNullable;

/** dbt's own tests name the column in SQL. */
const quoted = ({ name }: DescribedProperty): { quote?: true } => (needsQuotes(name) ? { quote: true } : {});

function columnEntry(column: DescribedProperty, test: NullTest): object {
  const meta = {
    ...(column.isKey ? { key: true } : {}),
    ...(column.personal === undefined ? {} : { personal: column.personal }),
  };
  return {
    name: column.name,
    ...(column.description === '' ? {} : { description: plain(column.description) }),
    ...(Object.keys(meta).length === 0 ? {} : { config: { meta } }),
    ...(test === 'not_null' && isFilled(column) && isNameableInDbt(column.name)
      ? { ...quoted(column), data_tests: ['not_null'] }
      : {}),
  };
}

/** Sets the columns of the table's `no_nulls` test, and adds the test to a table that lacks it. */
function requireNoNulls(document: Document, table: YAMLMap, columns: readonly string[]): void {
  const tests = table.get('data_tests');
  const list = isSeq<unknown>(tests) ? tests : new YAMLSeq<unknown>();
  const names = document.createNode([...columns], { flow: true });
  const known = list.items.filter((item) => isMap(item)).find((item) => item.has('no_nulls'));
  if (known === undefined) list.items.push(document.createNode({ no_nulls: { arguments: { columns: names } } }));
  else known.setIn(['no_nulls', 'arguments', 'columns'], names);
  if (isScalar(tests) || tests === undefined) table.set('data_tests', list);
}
