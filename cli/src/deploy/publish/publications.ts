import { MeetupError } from '../../config/errors.ts';
import { runs } from '../plan/actions.ts';
import { type ModelsPlan, type ProjectNode, relationForReaders, relationOf } from '../plan/models.ts';
import type { Published, PublishedViews, PublishStep } from './published.ts';

/** The materializations whose earlier versions a view can be pinned to. */
const WITH_VERSIONS: ReadonlySet<string> = new Set(['table', 'incremental', 'snapshot', 'seed']);

/**
 * The views of a project: one for each node that is published in another schema than its own.
 * @throws MeetupError if a node can't be published, or two would have the same name.
 */
export function publicationsOf(nodes: readonly ProjectNode[]): PublishedViews {
  const found = new Map<string, Published>();
  const built = new Set(nodes.filter(({ relation }) => relation !== null).map(relationOf));
  for (const node of nodes) {
    if (node.publishedIn === null || node.relation === null) continue;
    const view = relationForReaders(node);
    if (!WITH_VERSIONS.has(node.materialized)) {
      throw new MeetupError(
        `${node.name} is published as ${view} (published_in), but as a ${node.materialized.replaceAll('_', ' ')} it has no earlier version that readers could see until all tests have passed: materialize it as a table, or remove published_in.`,
      );
    }
    if (found.has(view) || built.has(view)) {
      throw new MeetupError(
        `${node.name} is published as ${view} (published_in), but another node has that name: give one of them another alias or schema.`,
      );
    }
    found.set(view, { of: relationOf(node), comment: node.description });
  }
  return Object.fromEntries([...found].sort(([a], [b]) => a.localeCompare(b)));
}

/** What a view that exists shows: all of its table, one version of it, or something else (undefined). */
export type Shown = 'all' | number | undefined;

/** The facts that the steps are derived from. */
export interface PublishInputs {
  readonly publications: PublishedViews;
  /** The project's own views after the last deployment. */
  readonly deployed: PublishedViews;
  readonly present: ReadonlyMap<string, 'table' | 'view'>;
  /** What each existing view shows of its table. */
  readonly shown: ReadonlyMap<string, Shown>;
  readonly models: Pick<ModelsPlan, 'models'>;
}

/** Decides what happens to each view, after the tests. A pure function. */
export function planPublishing({ publications, deployed, present, shown, models }: PublishInputs): PublishStep[] {
  const built = new Set(models.models.filter(runs).map(({ relation }) => relation));
  const steps = Object.entries(publications).flatMap(([view, { of, comment }]): PublishStep[] => {
    const kind = present.get(view);
    if (kind === undefined) return [{ view, what: 'create', of, comment }];
    if (kind === 'table') return [{ view, what: 'replace', of, comment }];
    // A pinned view shows what passed last. What a run built since, and its tests refused, isn't published until it is built and tested again.
    const isRight = shown.get(view) !== undefined && (deployed[view]?.of ?? of) === of;
    return isRight && !built.has(of) ? [] : [{ view, what: 'switch', of, comment }];
  });
  // dbt itself replaces a view in whose place a model is built from now on.
  const places = new Set(models.models.map(({ relation }) => relation));
  const gone = Object.entries(deployed)
    .filter(([view]) => publications[view] === undefined && present.get(view) === 'view' && !places.has(view))
    .map(([view, { of, comment }]): PublishStep => ({ view, what: 'drop', of, comment }));
  return [...steps, ...gone];
}
