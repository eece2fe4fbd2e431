import { type Lineage, type LineageGraph, type LineageModel, lineageGraph } from './graph.ts';
import { type Change, effectsOf } from './walk.ts';

/** A model whose result a change can alter. */
export interface AlteredModel {
  readonly node: string;
  readonly name: string;
  readonly columns: readonly string[];
  /** Whether rows can appear, vanish or be grouped differently, which concerns every column. */
  readonly rows: boolean;
}

/**
 * The models whose result differs between two versions of a project as far as their SQL shows: a comment or a new layout alters
 * nothing, and one changed expression alters one column and what is made of it.
 * @param changed unique ids of nodes that changed in themselves; for nodes without readable SQL (seeds, snapshots) this decides
 */
export function alteredModels(before: Lineage, now: Lineage, changed: ReadonlySet<string>): readonly AlteredModel[] {
  const graph = lineageGraph(now);
  const changes = [...changesOf(lineageGraph(before), graph, changed)];
  const starts = changes.flatMap(({ node, columns, rows }) => {
    const model = graph.models.get(node);
    if (model === undefined) return [];
    return [{ model, columns: columns ?? model.columns.map(({ name }) => name), rows }];
  });
  return [...starts, ...effectsOf(graph, changes)].map(({ model, columns, rows }) => ({
    node: model.uniqueId,
    name: model.name,
    columns,
    rows,
  }));
}

function* changesOf(before: LineageGraph, now: LineageGraph, changed: ReadonlySet<string>): Generator<Change> {
  for (const input of now.inputs.values()) {
    if (changed.has(input.uniqueId)) yield { node: input.uniqueId, rows: true };
  }
  for (const model of now.models.values()) {
    const old = before.models.get(model.uniqueId);
    const isResolved = model.rows.digest !== null && old?.rows.digest != null;
    if (old === undefined || (!isResolved && changed.has(model.uniqueId))) {
      yield { node: model.uniqueId, rows: true };
    } else if (isResolved) {
      const columns = changedColumns(old, model);
      const rows = model.rows.digest !== old.rows.digest;
      if (rows) yield { node: model.uniqueId, rows };
      else if (columns.length > 0) yield { node: model.uniqueId, columns, rows };
    }
  }
}

function changedColumns(old: LineageModel, model: LineageModel): string[] {
  const digests = new Map(old.columns.map(({ name, digest }) => [name, digest]));
  return model.columns.filter(({ name, digest }) => digests.get(name) !== digest).map(({ name }) => name);
}
