import type { Asked } from './find-place.ts';
import { type ColumnPlace, columnsOf, type LineageGraph, type LineageQuery, nameOf, readsOf } from './graph.ts';
import { type Change, effectsOf, feedingOf, seesAny } from './walk.ts';

/** A column by the names that people use. */
export interface NamedColumn {
  readonly node: string;
  readonly name: string;
  readonly column: string;
}

export interface ImpactedModel {
  readonly node: string;
  readonly name: string;
  readonly schema: string;
  readonly public: boolean;
  /** The columns whose values can change. */
  readonly columns: readonly string[];
  /** Whether rows can appear, vanish or be grouped differently, which concerns every column. */
  readonly rows: boolean;
  /** Why its columns could not be resolved, so that each counts as affected. */
  readonly reason?: string;
}

export interface ImpactedReader {
  readonly kind: 'exposure' | 'metric' | 'semantic_model' | 'test' | 'query';
  readonly name: string;
  readonly owner?: string;
  readonly url?: string;
  /** For a query of the dashboard: the charts, tables and numbers that show it. */
  readonly figures?: readonly string[];
}

export interface Impact {
  readonly of: NamedColumn | { readonly node: string; readonly name: string };
  readonly fedBy: readonly (NamedColumn & { readonly depth: number })[];
  readonly rowsFedBy: readonly NamedColumn[];
  readonly models: readonly ImpactedModel[];
  readonly readers: readonly ImpactedReader[];
}

/** What feeds a column, or a whole model, and everything that a change of it can alter. */
export function impactOf(graph: LineageGraph, { node, column }: Asked, isPublic: (node: string) => boolean): Impact {
  const columns = column === undefined ? columnsOf(graph, node) : [column];
  const feeding = feedingOf(
    graph,
    columns.map((name) => ({ node, column: name })),
  );
  // A change of a whole model can be one of its rows as well.
  const change: Change = { node, columns, rows: column === undefined };
  const named = (place: ColumnPlace): NamedColumn => ({ ...place, name: nameOf(graph, place.node) });
  const name = nameOf(graph, node);
  return {
    of: column === undefined ? { node, name } : { node, name, column },
    fedBy: feeding.values.map((place) => ({ ...named(place), depth: place.depth })),
    rowsFedBy: feeding.rows.map(named),
    ...reachOf(graph, [change], isPublic),
  };
}

export const queryReader = ({ name, figures = [] }: LineageQuery): ImpactedReader => ({
  kind: 'query',
  name,
  ...(figures.length === 0 ? {} : { figures }),
});

/** Everything below some changes: the models, and what reads them. */
export function reachOf(
  graph: LineageGraph,
  changes: readonly Change[],
  isPublic: (node: string) => boolean,
): Pick<Impact, 'models' | 'readers'> {
  const effects = effectsOf(graph, changes);
  const sees = seesAny(changes, effects, graph);
  const models = effects.map(({ model, columns, rows }) => ({
    node: model.uniqueId,
    name: model.name,
    schema: model.schema,
    public: isPublic(model.uniqueId),
    columns,
    rows,
    ...(model.reason === undefined ? {} : { reason: model.reason }),
  }));
  const readers = graph.readers
    .filter((reader) => sees(readsOf(reader)))
    .map(({ resourceType: kind, name, owner, url }) => ({
      kind,
      name,
      ...(owner === null ? {} : { owner }),
      ...(url === null ? {} : { url }),
    }));
  const queries = graph.queries.filter(sees).map(queryReader);
  return { models, readers: [...readers, ...queries] };
}
