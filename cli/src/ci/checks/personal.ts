import type { ColumnPlace, LineageGraph } from '../../lineage/graph.ts';
import { type CheckedColumn, type CheckedManifest, type CheckedNode, saidPersonal } from './manifest.ts';

interface Declarations {
  readonly manifest: CheckedManifest;
  readonly personal: ReadonlyMap<string, boolean>;
  readonly lineage?: LineageGraph | undefined;
}

/** Whether any column of the project is declared personal. */
export const hasPersonalColumns = (declared: Declarations): boolean =>
  [...Object.values(declared.manifest.nodes), ...Object.values(declared.manifest.sources)].some((one) =>
    Object.values(one.columns).some((column) => declarationOf(one.name, column.name, column, declared) === true),
  ) || [...declared.personal.values()].includes(true);

/**
 * The columns of a model that are declared personal, or whose values come from a column that is, under any name. A column that is
 * declared `personal: false` ends the search above it. If a model's SQL can't be resolved, equal names are taken for equal columns.
 */
export function personalColumns(model: CheckedNode, declared: Declarations): { column: string; from: string }[] {
  const known = declared.lineage?.models.get(model.unique_id);
  const resolved = known !== undefined && known.reason === undefined;
  const names = resolved ? known.columns.map(({ name }) => name) : Object.keys(model.columns);
  const byName = resolved ? undefined : personalAbove(model, declared);
  return names.flatMap((column) => {
    const own = declarationOf(model.name, column, columnOf(model, column), declared);
    if (own === false) return [];
    const place = { node: model.unique_id, column: column.toLowerCase() };
    const from =
      own === true ? 'as declared' : byName === undefined ? sourceOf(place, declared) : byName.get(place.column);
    return from === undefined ? [] : [{ column, from }];
  });
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
    if (said !== false) pending.push(...readsOf(place, declared));
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
    for (const column of Object.values(one.columns)) {
      if (declarationOf(one.name, column.name, column, declared) !== true) continue;
      found.set(column.name.toLowerCase(), `from ${one.name}.${column.name}`);
    }
  }
  return found;
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
