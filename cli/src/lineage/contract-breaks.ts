import { type Lineage, type LineageGraph, type LineageModel, lineageGraph, readsOf } from './graph.ts';
import { type ImpactedReader, queryReader } from './impact.ts';
import { type Change, seesAny } from './walk.ts';

/** Something of a public model that its readers can no longer rely on. */
export interface ContractBreak {
  /** The model's name. */
  readonly model: string;
  /** Undefined if the whole model is gone. */
  readonly column?: string;
  readonly what: 'removed' | 'dropped' | 'renamed' | 'retyped';
  /** For `renamed`, the new name; for `retyped`, both types. */
  readonly detail?: string;
  /** Models that read it before the change. */
  readonly models: readonly string[];
  /** Exposures, metrics, saved queries and pages of the dashboard that read it. */
  readonly readers: readonly ImpactedReader[];
}

/**
 * Compares the public models of two versions of a project: removed models, and dropped, renamed and retyped columns. New models and
 * columns break nothing.
 * @param isPublic whether people outside the project rely on a model
 * @param before must know the saved queries as they are now, so that those are named that still read what is gone
 */
export function contractBreaks(
  before: Lineage,
  now: Lineage,
  isPublic: (model: LineageModel) => boolean,
): ContractBreak[] {
  const old = lineageGraph(before);
  const current = new Map(now.models.map((model) => [model.uniqueId, model]));
  return before.models.filter(isPublic).flatMap((model) => breaksOf(old, model, current.get(model.uniqueId)));
}

function breaksOf(old: LineageGraph, before: LineageModel, now: LineageModel | undefined): ContractBreak[] {
  const { name: model, uniqueId: node } = before;
  if (now === undefined) {
    return [{ model, what: 'removed', ...readBy(old, { node, rows: true }) }];
  }
  const types = new Map(now.columns.map(({ name, type }) => [name, type]));
  return before.columns.flatMap(({ name: column, type, digest }): ContractBreak[] => {
    const reads = readBy(old, { node, columns: [column], rows: false });
    if (!types.has(column)) {
      const twin = renamedTo(before, now, digest);
      return [
        twin === undefined
          ? { model, column, what: 'dropped', ...reads }
          : { model, column, what: 'renamed', detail: `to ${twin}`, ...reads },
      ];
    }
    const is = types.get(column) ?? null;
    if (type === null || is === null || type === is) return [];
    return [{ model, column, what: 'retyped', detail: `from ${type} to ${is}`, ...reads }];
  });
}

/** The new column that means what a dropped one meant. */
function renamedTo(before: LineageModel, now: LineageModel, digest: string | null): string | undefined {
  if (digest === null) return undefined;
  const had = new Set(before.columns.map(({ name }) => name));
  return now.columns.find((column) => column.digest === digest && !had.has(column.name))?.name;
}

/** What reads a column itself; not what only reads something made of it. */
function readBy(old: LineageGraph, change: Change): Pick<ContractBreak, 'models' | 'readers'> {
  const sees = seesAny([change], [], old);
  const models = (old.below.get(change.node) ?? []).filter(({ columns, rows }) =>
    sees({ nodes: [change.node], reads: [...columns.flatMap(({ reads }) => reads), ...rows.reads] }),
  );
  const readers = old.readers
    // A data test of the column goes with it.
    .filter((reader) => reader.resourceType !== 'test' && reader.dependsOn.includes(change.node))
    .filter((reader) => sees(readsOf(reader)))
    .flatMap(({ resourceType: kind, name, owner, url }) =>
      kind === 'test' ? [] : [{ kind, name, ...(owner === null ? {} : { owner }), ...(url === null ? {} : { url }) }],
    );
  const queries = old.queries.filter((query) => query.nodes.includes(change.node) && sees(query)).map(queryReader);
  return { models: models.map(({ name }) => name), readers: [...readers, ...queries] };
}
