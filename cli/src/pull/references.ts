import { annotationOf } from '../ingest/annotations.ts';
import { isObject, type JsonSchema, propertiesOf, resolve } from '../ingest/contract/json-schema.ts';
import { referencesByName } from '../ingest/forgotten/redact-record.ts';
import type { Contracts } from '../ingest/schemas.ts';
import { keyOf as keyOfPlace, type LineageGraph } from '../lineage/graph.ts';
import type { ClosedTable, Reference } from './closure.ts';
import { isKeyColumn, type ManifestNode, type PullManifest } from './manifest.ts';

/** A column of a source, or a field inside of it. */
interface SourceColumn {
  readonly table: string;
  readonly path: readonly string[];
}

/** What is known about keys and references of sources. */
export interface Relations {
  readonly references: readonly Reference[];
  /** Columns that alone identify a row's record, by the source's id; in lower case. */
  readonly keys: ReadonlyMap<string, ReadonlySet<string>>;
}

interface Known {
  readonly manifest: PullManifest;
  readonly tables: readonly ClosedTable[];
  readonly contracts: Contracts;
  /** Undefined if columns of models can't be followed to sources. */
  readonly lineage: LineageGraph | undefined;
}

/**
 * The references between sources: from relationships tests of sources, from those of models whose columns come unchanged from a source,
 * and from the JSON Schemas of raw tables.
 */
export function relationsOf(known: Known): Relations {
  const keys = keysOf(known);
  const tests = Object.values(known.manifest.nodes).filter(({ test_metadata: test }) => test?.name === 'relationships');
  const found = [...tests.flatMap((test) => ofTest(test, known, keys)), ...ofSchemas(known)];
  const distinct = new Map(found.map((one) => [JSON.stringify(one).toLowerCase(), one]));
  return { references: [...distinct.values()], keys };
}

/** Whether the values of a source's column identify its rows: it is a key, or others refer to it. @param column in lower case */
export const identifies = ({ keys, references }: Relations, table: string, column: string): boolean =>
  keys.get(table)?.has(column) === true ||
  references.some((one) => one.parent === table && one.column.toLowerCase() === column);

/** Keys by the JSON Schemas, by `meta`, and by tests that a column is unique. */
function keysOf({ manifest, tables, contracts }: Known): ReadonlyMap<string, ReadonlySet<string>> {
  const unique = Object.values(manifest.nodes).filter(({ test_metadata: test }) => test?.name === 'unique');
  return new Map(
    tables.map(({ id }) => {
      const source = manifest.sources[id];
      const marked = Object.values(source?.columns ?? {}).filter(isKeyColumn);
      const contract = source?.schema === 'raw' ? contracts.get(source.identifier) : undefined;
      const names = [
        ...(marked.length === 1 ? marked.map(({ name }) => name) : []),
        ...(contract?.key.length === 1 ? contract.key : []),
        ...unique.filter((test) => testedNode(test, manifest) === id).flatMap((test) => columnOfTest(test) ?? []),
      ];
      return [id, new Set(names.map((name) => name.toLowerCase()))];
    }),
  );
}

function ofTest(test: ManifestNode, known: Known, keys: Relations['keys']): Reference[] {
  const child = testedNode(test, known.manifest);
  const field = test.test_metadata?.kwargs.field;
  const column = columnOfTest(test);
  if (child === undefined || column === undefined || typeof field !== 'string') return [];
  const parent = test.depends_on.nodes.find((id) => id !== child) ?? child;
  const from = sourceColumnsOf(known, child, column);
  const to = sourceColumnsOf(known, parent, field).filter(({ path }) => path.length === 1);
  const identifying = to.filter(({ table, path }) => keys.get(table)?.has((path[0] ?? '').toLowerCase()));
  // A dimension is often made from what refers to it too; the key itself is where it is unique.
  const parents = identifying.length > 0 ? identifying : to.length === 1 ? to : [];
  return from.flatMap((one) =>
    parents
      .filter((other) => JSON.stringify(other) !== JSON.stringify(one))
      .map((other) => ({ child: one.table, path: one.path, parent: other.table, column: other.path[0] ?? '' })),
  );
}

/** The column that a generic test is about. */
export const columnOfTest = ({ column_name: name, test_metadata: test }: ManifestNode): string | undefined => {
  const argument = test?.kwargs.column_name;
  return name ?? (typeof argument === 'string' ? argument : undefined);
};

/** The node that a generic test is about; that of a source is only named in the test's argument `model`. */
export function testedNode(
  { attached_node: attached, depends_on: above, test_metadata: test }: ManifestNode,
  manifest: PullManifest,
): string | undefined {
  if (attached != null) return attached;
  const [, source, name] =
    /source\(\s*['"]([^'"]+)['"]\s*,\s*['"]([^'"]+)['"]\s*\)/.exec(String(test?.kwargs.model)) ?? [];
  return above.nodes.find((id) => {
    const one = manifest.sources[id];
    return one !== undefined && one.source_name === source && one.name === name;
  });
}

/** The columns of sources that a column of a model or source holds unchanged, as far as that can be followed. */
export function sourceColumnsOf(
  { manifest, tables, lineage }: Pick<Known, 'manifest' | 'tables' | 'lineage'>,
  node: string,
  column: string,
): SourceColumn[] {
  if (manifest.sources[node] !== undefined) return [{ table: node, path: [column] }];
  if (lineage === undefined) return [];
  const found = new Map<string, SourceColumn>();
  const seen = new Set<string>();
  const visit = (id: string, name: string): void => {
    const at = keyOfPlace({ node: id, column: name });
    if (seen.has(at)) return;
    seen.add(at);
    const table = tables.find((one) => one.id === id);
    if (table !== undefined) {
      const path = pathIn(table, name, column);
      if (path !== undefined) found.set(`${id}.${path.join('.')}`, { table: id, path });
      return;
    }
    const reads = lineage.models.get(id)?.columns.find((one) => one.name.toLowerCase() === name)?.reads ?? [];
    const same = reads.filter((read) => read.column === name);
    // A value that is made of several columns is none of them.
    for (const read of same.length > 0 ? same : reads.length === 1 ? reads : []) visit(read.node, read.column);
  };
  visit(node, column.toLowerCase());
  return [...found.values()];
}

/** The column itself if it is a single value, else the field of this name inside of it. */
function pathIn({ columns }: ClosedTable, name: string, field: string): readonly string[] | undefined {
  const type = columns.get(name);
  if (type === undefined) return undefined;
  if (!/^(array|struct)</i.test(type)) return /^map</i.test(type) ? undefined : [name];
  return new RegExp(`[<,\`]\\s*\`?${field.replaceAll(/[^\w]/g, '\\$&')}\`?\\s*:`, 'i').test(type)
    ? [name, field.toLowerCase()]
    : undefined;
}

/** A property refers to the entity that it names with `references`, or whose key has its name. */
function ofSchemas({ manifest, tables, contracts }: Known): Reference[] {
  const tableOf = new Map(
    tables.flatMap(({ id }) => {
      const source = manifest.sources[id];
      return source?.schema === 'raw' ? [[source.identifier, id] as const] : [];
    }),
  );
  const byName = referencesByName(contracts);
  return [...contracts].flatMap(([entity, { schema, key }]) => {
    const child = tableOf.get(entity);
    if (child === undefined) return [];
    return propertiesBelow(schema).flatMap(({ path, references }) => {
      const last = path.at(-1) ?? '';
      const to = references === false ? undefined : (references ?? byName.get(last));
      const isOwn = to === entity && path.length === 1 && key.includes(last);
      const parent = to === undefined || isOwn ? undefined : tableOf.get(to);
      const column = contracts.get(to ?? '')?.key[0];
      return parent === undefined || column === undefined ? [] : [{ child, path, parent, column }];
    });
  });
}

interface Property {
  readonly path: readonly string[];
  readonly references: string | false | undefined;
}

/** The properties of a schema at any depth, within lists too. */
function propertiesBelow(root: JsonSchema): Property[] {
  const found: Property[] = [];
  const visit = (inner: JsonSchema, path: readonly string[], within: readonly JsonSchema[]): void => {
    const resolved = resolve(root, inner);
    if (!isObject(resolved) || within.includes(resolved)) return;
    const deeper = [...within, resolved];
    if (isObject(resolved.items)) visit(resolved.items, path, deeper);
    for (const [name, property] of propertiesOf(resolved)) {
      const target = resolve(root, property);
      const said =
        annotationOf(property).references ?? (target === undefined ? undefined : annotationOf(target).references);
      found.push({ path: [...path, name], references: said });
      visit(property, [...path, name], deeper);
    }
  };
  visit(root, [], []);
  return found;
}
