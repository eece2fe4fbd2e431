import { readTombstones } from '../ingest/forgotten/tombstones.ts';
import type { DeployContext } from './context.ts';
import type { Deployed } from './ledger.ts';
import { foreignIn, ownersAfter } from './owners.ts';
import { relationOf } from './plan/models.ts';
import type { Survey } from './plan/survey.ts';
import type { PublishedViews } from './publish/published.ts';
import { listSchemas, type RelationStates, readStates } from './relations.ts';
import { schemasOf } from './remote.ts';
import { runsIn } from './runs.ts';
import { tablesIn } from './vacuum.ts';

/**
 * The state of the target that a deployment records, once everything is built and has passed.
 * @param touched the relations that it may have changed
 * @param manifest the path of its manifest on the target
 */
export async function deployedAfter(
  context: DeployContext,
  survey: Survey,
  touched: readonly string[],
  manifest: string,
): Promise<Deployed> {
  // The states that runs of dbt left are where a rollback to this deployment returns to.
  const moved = openToRuns(survey);
  const read = [...new Set([...touched, ...moved])];
  const now = await readStates(context.remote, await listSchemas(context.remote, schemasOf(read)), read);
  const relations: RelationStates = { ...survey.deployed.relations, ...now };
  const { project, others } = survey.deployed;
  const forgotten = [
    ...(survey.deployed.forgotten ?? []),
    ...(await readTombstones(context.paths.data)).list.map(({ id }) => id),
  ];
  const published = publishedAfter(survey);
  const built = survey.changes.nodes.filter(({ relation }) => relation !== null).map(relationOf);
  return {
    ...(project === undefined ? {} : { project }),
    ...(others === undefined ? {} : { others }),
    ...(forgotten.length === 0 ? {} : { forgotten: [...new Set(forgotten)] }),
    ...(survey.plan.vacuums ? { unvacuumed: tablesIn(survey.deployed, { ...survey.deployed.relations, ...now }) } : {}),
    ...(Object.keys(published).length === 0 ? {} : { published }),
    owners: ownersAfter(survey.deployed, [
      ...built,
      ...survey.rawTables.map(({ name }) => `raw.${name}`),
      ...Object.keys(survey.publications),
    ]),
    // A retired relation is forgotten once it is dropped; until then the next deployment removes it if this one dies.
    relations: Object.fromEntries(
      Object.entries(relations).filter(
        ([relation]) =>
          survey.publications[relation] === undefined &&
          !survey.landed.includes(relation) &&
          (touched.includes(relation) ||
            survey.present.has(relation) ||
            foreignIn(survey.deployed, [relation]).length > 0),
      ),
    ),
    fingerprints: Object.fromEntries(
      survey.changes.nodes.flatMap(({ uniqueId, fingerprint }) =>
        fingerprint === null ? [] : [[uniqueId, fingerprint]],
      ),
    ),
    retired: survey.plan.models
      .filter(({ action }) => action === 'retire' || action === 'remove')
      .map(({ relation }) => relation),
    manifest,
    commit: context.git.dirty ? null : context.git.commit,
    ...othersOf(survey, built),
  };
}

/** The relations that runs of dbt may have changed since the last deployment; those of other projects stay as that one left them. */
function openToRuns({ entries, deployed, present }: Survey): string[] {
  const last = entries.findLastIndex(({ details }) => details.deployed !== undefined);
  if (runsIn(entries.slice(Math.max(last, 0))).length === 0) return [];
  return Object.keys(deployed.relations).filter(
    (relation) => present.has(relation) && foreignIn(deployed, [relation]).length === 0,
  );
}

/** What runs left that this deployment did not build again, because it isn't this project's. */
function othersOf({ deployed }: Survey, built: readonly string[]): Pick<Deployed, 'otherCode' | 'unpassed'> {
  const left = Object.entries(deployed.otherCode ?? {}).filter(([relation]) => !built.includes(relation));
  const unpassed = Object.entries(deployed.unpassed ?? {}).filter(([relation]) => !built.includes(relation));
  return {
    ...(left.length === 0 ? {} : { otherCode: Object.fromEntries(left) }),
    ...(unpassed.length === 0 ? {} : { unpassed: Object.fromEntries(unpassed) }),
  };
}

/** The views after a deployment: the project's, and those of other projects. */
function publishedAfter({ deployed, publications }: Survey): PublishedViews {
  const views = Object.entries(deployed.published ?? {});
  return { ...Object.fromEntries(views.filter(([view]) => foreignIn(deployed, [view]).length > 0)), ...publications };
}
