import type { ColumnPlace, LineageGraph } from '../../lineage/graph.ts';
import { type CheckedColumn, type CheckedManifest, type CheckedNode, saidPersonal } from './manifest.ts';

interface Declarations {
  readonly manifest: CheckedManifest;
  readonly personal: ReadonlyMap<string, boolean>;
  readonly lineage?: LineageGraph | undefined;
}

/** Whether any column of the project is declared personal. */
export const hasPersonalColumns = (declared: Declarations): boolean =>
  [...Object.values(declared.manifest.nodes), ...Object.values(declared.manifest.sources)].some(
    (one) => declaredIn(one, declared).length > 0,
  );

/**
 * The columns of a model that are declared personal, or whose values come from a column that is, under any name. A column that is
 * declared `personal: false` ends the search above it. If a model's SQL can't be resolved, equal names are taken for equal columns.
 */
export function personalColumns(model: CheckedNode, declared: Declarations): { column: string; from: string }[] {
  const resolved = resolvedColumns(model, declared);
  const names = resolved ?? Object.keys(model.columns);
  const byName = unresolvedAbove(model.unique_id, declared);
  return names.flatMap((column) => {
    const own = declarationOf(model.name, column, columnOf(model, column), declared);
    if (own === false) return [];
    const place = { node: model.unique_id, column: column.toLowerCase() };
    const from =
      own === true ? 'as declared' : byName === undefined ? sourceOf(place, declared) : byName.get(place.column);
    return from === undefined ? [] : [{ column, from }];
  });
}

/**
 * Lower-case names of the columns whose values must not be shown: also those that a model's YAML doesn't describe, if its SQL can't be
 * resolved.
 */
export function hiddenColumns(model: CheckedNode, declared: Declarations): ReadonlySet<string> {
  const above = [...(unresolvedAbove(model.unique_id, declared)?.keys() ?? [])].filter(
    (name) => declarationOf(model.name, name, columnOf(model, name), declared) !== false,
  );
  const followed = personalColumns(model, declared).map(({ column }) => column.toLowerCase());
  return new Set([...declaredIn(model, declared), ...followed, ...above]);
}

/** The columns of a model whose SQL is resolved. */
function resolvedColumns({ unique_id: id }: CheckedNode, { lineage }: Declarations): string[] | undefined {
  const known = lineage?.models.get(id);
  return known === undefined || known.reason !== undefined ? undefined : known.columns.map(({ name }) => name);
}

/** Where a personal value in a column comes from; undefined if none does. */
function sourceOf(start: ColumnPlace, declared: Declarations): string | undefined {
  const seen = new Set<string>();
  const pending: ColumnPlace[] = [...readsOf(start, declared)];
  for (let place = pending.pop(); place !== undefined; place = pending.pop()) {
    const key = `${place.node}.${place.column}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const { nodes, sources } = declared.manifest;
    const one = nodes[place.node] ?? sources[place.node];
    const said = one && declarationOf(one.name, place.column, columnOf(one, place.column), declared);
    if (one !== undefined && said === true) return `from ${one.name}.${place.column}`;
    if (said === false) continue;
    const byName = unresolvedAbove(place.node, declared)?.get(place.column);
    if (byName !== undefined) return byName;
    pending.push(...readsOf(place, declared));
  }
  return undefined;
}

const readsOf = ({ node, column }: ColumnPlace, { lineage }: Declarations): readonly ColumnPlace[] => {
  const model = lineage?.models.get(node);
  return model?.columns.find(({ name }) => name === column)?.reads ?? [];
};

function columnOf({ columns }: Pick<CheckedNode, 'columns'>, name: string): CheckedColumn | undefined {
  return Object.values(columns).find((column) => column.name.toLowerCase() === name.toLowerCase());
}

/** The personal columns above a node, by name; undefined if its SQL is resolved, so that its columns can be followed. */
function unresolvedAbove(id: string, declared: Declarations): ReadonlyMap<string, string> | undefined {
  const node = declared.manifest.nodes[id];
  if (node === undefined || resolvedColumns(node, declared) !== undefined) return undefined;
  return personalAbove(node, declared);
}

/** Lower-case name of each personal column of the models and sources above → where it is declared. */
function personalAbove(model: CheckedNode, declared: Declarations): ReadonlyMap<string, string> {
  const { nodes, sources } = declared.manifest;
  const found = new Map<string, string>();
  const seen = new Set<string>();
  const pending = [...model.depends_on.nodes];
  for (let id = pending.pop(); id !== undefined; id = pending.pop()) {
    if (seen.has(id)) continue;
    seen.add(id);
    const one = nodes[id] ?? sources[id];
    if (one === undefined) continue;
    pending.push(...(nodes[id]?.depends_on.nodes ?? []));
    for (const column of declaredIn(one, declared)) found.set(column, `from ${one.name}.${column}`);
  }
  return found;
}

/** The columns of a model or source that are declared personal, in lower case; meetup.yml may name some that its YAML doesn't. */
function declaredIn({ name, columns }: Pick<CheckedNode, 'name' | 'columns'>, declared: Declarations): string[] {
  const table = `${name.toLowerCase()}.`;
  const inYaml = Object.values(columns).filter((column) => declarationOf(name, column.name, column, declared) === true);
  const inSettings = [...declared.personal].filter(([key, isPersonal]) => isPersonal && key.startsWith(table));
  return [...inYaml.map((column) => column.name.toLowerCase()), ...inSettings.map(([key]) => key.slice(table.length))];
}

/** meetup.yml takes precedence. */
function declarationOf(
  table: string,
  name: string,
  column: CheckedColumn | undefined,
  { personal }: Declarations,
): boolean | undefined {
  return personal.get(`${table}.${name}`.toLowerCase()) ?? (column && saidPersonal(column));
}
