import type { ColumnRead, LineageAnswer } from '../engine/protocol.ts';

export type LineageModel = LineageAnswer['models'][number];
export type LineageInput = LineageAnswer['inputs'][number];
export type LineageReader = LineageAnswer['readers'][number];
export type LineageQuery = LineageAnswer['queries'][number] & {
  /** The charts, tables and numbers of the dashboard that show it. */
  readonly figures?: readonly string[];
};

/** The engine's answer, with what shows the queries. */
export type Lineage = Omit<LineageAnswer, 'queries'> & { readonly queries: readonly LineageQuery[] };

/** A column of a model, a seed or a source; in lower case. */
export interface ColumnPlace {
  readonly node: string;
  readonly column: string;
}

/** The project's column lineage, indexed for walks in both directions. */
export interface LineageGraph {
  readonly models: ReadonlyMap<string, LineageModel>;
  readonly inputs: ReadonlyMap<string, LineageInput>;
  readonly readers: readonly LineageReader[];
  readonly queries: readonly LineageQuery[];
  /** The models that depend on a node. */
  readonly below: ReadonlyMap<string, readonly LineageModel[]>;
  /** Models after everything that they depend on. */
  readonly inOrder: readonly LineageModel[];
}

export function lineageGraph({ models, inputs, readers, queries }: Lineage): LineageGraph {
  const byId = new Map(models.map((model) => [model.uniqueId, model]));
  const below = new Map<string, LineageModel[]>();
  for (const model of models) {
    for (const above of model.dependsOn) below.set(above, [...(below.get(above) ?? []), model]);
  }
  return {
    models: byId,
    inputs: new Map(inputs.map((input) => [input.uniqueId, input])),
    readers,
    queries,
    below,
    inOrder: inDependencyOrder(byId),
  };
}

function inDependencyOrder(models: ReadonlyMap<string, LineageModel>): LineageModel[] {
  const done = new Set<string>();
  const order: LineageModel[] = [];
  const visit = (model: LineageModel): void => {
    if (done.has(model.uniqueId)) return;
    done.add(model.uniqueId);
    for (const above of model.dependsOn) {
      const one = models.get(above);
      if (one !== undefined) visit(one);
    }
    order.push(model);
  };
  for (const model of models.values()) visit(model);
  return order;
}

/** The columns of a model, a seed or a source, in order. */
export function columnsOf(graph: LineageGraph, node: string): readonly string[] {
  return graph.models.get(node)?.columns.map(({ name }) => name) ?? graph.inputs.get(node)?.columns ?? [];
}

/** The name that people use: the model's, `<source>.<table>`, or the relation's if the project doesn't know it. */
export function nameOf(graph: LineageGraph, node: string): string {
  return graph.models.get(node)?.name ?? graph.inputs.get(node)?.name ?? node.replace(/^relation\./, '');
}

/** What something reads: columns, or whole nodes if nothing says which columns. */
export interface Reading {
  readonly nodes: readonly string[];
  readonly reads?: readonly ColumnPlace[];
}

/** What a reader reads. */
export const readsOf = ({ dependsOn: nodes, reads }: LineageReader): Reading =>
  reads === null ? { nodes } : { nodes, reads };

/** A column as a key of sets and maps. */
export const keyOf = ({ node, column }: ColumnRead | ColumnPlace): string => `${node}\0${column}`;
