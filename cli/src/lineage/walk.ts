import { type ColumnPlace, columnsOf, keyOf, type LineageGraph, type LineageModel, type Reading } from './graph.ts';

/** A column on the way up: what its value is made of comes next. */
export interface FeedingColumn extends ColumnPlace {
  /** The number of steps from the column that was asked about; 1 for what it reads itself. */
  readonly depth: number;
}

export interface Feeding {
  /** Columns that the value is made of, nearest first. */
  readonly values: readonly FeedingColumn[];
  /** Columns that only decide which rows there are, such as those in joins and filters. */
  readonly rows: readonly ColumnPlace[];
}

/** Everything that feeds columns of one node. */
export function feedingOf(graph: LineageGraph, starts: readonly ColumnPlace[]): Feeding {
  const values = new Map<string, FeedingColumn>();
  const rows = new Map<string, ColumnPlace>();
  let current = starts;
  for (let depth = 1; current.length > 0; depth += 1) {
    const next: FeedingColumn[] = [];
    for (const { node, column } of current) {
      const model = graph.models.get(node);
      for (const read of model?.columns.find(({ name }) => name === column)?.reads ?? []) {
        if (values.has(keyOf(read))) continue;
        const found = { ...read, depth };
        values.set(keyOf(read), found);
        next.push(found);
      }
      for (const read of model?.rows.reads ?? []) rows.set(keyOf(read), read);
    }
    current = next;
  }
  return {
    values: [...values.values()],
    rows: [...rows.values()].filter((read) => !values.has(keyOf(read))),
  };
}

/** How a model is affected: in which columns, and whether its rows may be others, which concerns all columns. */
export interface Effect {
  readonly model: LineageModel;
  readonly columns: readonly string[];
  readonly rows: boolean;
}

/** What changes at the start of a walk down: some columns of a node, or its rows as well. */
export interface Change {
  readonly node: string;
  /** `undefined`: all of them. */
  readonly columns?: readonly string[];
  readonly rows: boolean;
}

interface State {
  readonly columns: ReadonlySet<string>;
  readonly rows: boolean;
}

/** The models that changes reach, in dependency order, without those where they start. */
export function effectsOf(graph: LineageGraph, changes: readonly Change[]): Effect[] {
  const states = new Map<string, State>();
  for (const { node, columns, rows } of changes) {
    states.set(node, { columns: new Set(columns ?? columnsOf(graph, node)), rows });
  }
  const effects: Effect[] = [];
  for (const model of graph.inOrder) {
    const own = states.get(model.uniqueId);
    const state = reached(model, states, own);
    if (state === undefined) continue;
    states.set(model.uniqueId, state);
    if (own === undefined) effects.push({ model, columns: [...state.columns], rows: state.rows });
  }
  return effects;
}

/** The state of a model below changed nodes; undefined if nothing reaches it. */
function reached(model: LineageModel, states: ReadonlyMap<string, State>, own: State | undefined): State | undefined {
  const isChanged = ({ node, column }: ColumnPlace): boolean => states.get(node)?.columns.has(column) === true;
  const rows =
    own?.rows === true ||
    model.dependsOn.some((above) => states.get(above)?.rows === true) ||
    model.rows.reads.some(isChanged);
  const columns = model.columns.filter(
    ({ name, reads }) => rows || own?.columns.has(name) === true || reads.some(isChanged),
  );
  if (!rows && columns.length === 0) return undefined;
  return { columns: new Set(columns.map(({ name }) => name)), rows };
}

/** Tells whether a reader sees the changes or their effects. */
export function seesAny(
  changes: readonly Change[],
  effects: readonly Effect[],
  graph: LineageGraph,
): (reader: Reading) => boolean {
  const changed = new Map<string, State>();
  for (const { node, columns, rows } of changes) {
    changed.set(node, { columns: new Set(columns ?? columnsOf(graph, node)), rows });
  }
  for (const { model, columns, rows } of effects) changed.set(model.uniqueId, { columns: new Set(columns), rows });
  return ({ nodes, reads }) => {
    if (nodes.some((node) => changed.get(node)?.rows === true)) return true;
    if (reads === undefined) return nodes.some((node) => changed.has(node));
    return reads.some(({ node, column }) => changed.get(node)?.columns.has(column) === true);
  };
}
