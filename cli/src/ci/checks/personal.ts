import { type CheckedColumn, type CheckedManifest, type CheckedNode, saidPersonal } from './manifest.ts';

interface Declarations {
  readonly manifest: CheckedManifest;
  readonly personal: ReadonlyMap<string, boolean>;
}

/**
 * The columns of a model that are declared personal, or have the name of a column that is so in anything that the model is
 * built from. A column that is renamed on the way is followed if the model that renames it declares it again.
 */
export function personalColumns(model: CheckedNode, declared: Declarations): { column: string; from: string }[] {
  const above = personalAbove(model, declared);
  return Object.values(model.columns).flatMap((column) => {
    const own = declarationOf(model.name, column, declared);
    if (own === false) return [];
    const from = own === true ? 'as declared' : above.get(column.name.toLowerCase());
    return from === undefined ? [] : [{ column: column.name, from }];
  });
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
      if (declarationOf(one.name, column, declared) !== true) continue;
      found.set(column.name.toLowerCase(), `as ${one.name}.${column.name} declares`);
    }
  }
  return found;
}

/** meetup.yml takes precedence. */
const declarationOf = (table: string, column: CheckedColumn, { personal }: Declarations): boolean | undefined =>
  personal.get(`${table}.${column.name}`.toLowerCase()) ?? saidPersonal(column);
