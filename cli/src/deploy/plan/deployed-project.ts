import { projectName } from '../../engine/project-files.ts';
import { mapConcurrently } from '../../warehouse/map-concurrently.ts';
import type { DeployContext } from '../context.ts';
import { type Deployed, deployedNow, type Entry, readLedger } from '../ledger.ts';
import { seenBy } from '../owners.ts';
import { type Commit, driftOf, stateOf } from '../relations.ts';
import type { Remote } from '../remote.ts';
import { commitsOf, runsIn, withRuns } from '../runs.ts';
import { withoutSameCode } from '../same-code.ts';

/** What the target holds of the project, by the ledger: deployments, and runs of dbt since the last one. */
export interface DeployedProject {
  readonly entries: readonly Entry[];
  readonly deployed: Deployed;
  /** Whether a commit was made by a run of dbt that the ledger has. */
  readonly isOurs: (commit: Commit) => boolean;
}

/** Reads the ledger as the project sees it. */
export async function readDeployed({
  remote,
  paths,
}: Pick<DeployContext, 'remote' | 'paths'>): Promise<DeployedProject> {
  const entries = await readLedger(remote);
  const project = projectName(paths);
  const last = deployedNow(entries);
  const known = withRuns(project === undefined ? last : seenBy(last, project), entries);
  return { entries, deployed: await withoutSameCode(paths, known), isOurs: commitsOf(runsIn(entries)) };
}

/** Relations that somebody else changed since the last deployment or run, and strange ones under the project's names. */
export async function findDrift(
  remote: Remote,
  relations: readonly string[],
  { deployed, isOurs }: DeployedProject,
  present: ReadonlyMap<string, 'table' | 'view'>,
): Promise<ReadonlyMap<string, string>> {
  // A view has no history. One that a run built from other code is built again anyway.
  const isBuiltAgain = (relation: string): boolean =>
    present.get(relation) === 'view' && deployed.otherCode?.[relation] !== undefined;
  // In the place of a view that readers have, the project may build a table now. What it shows is judged elsewhere.
  const isPublished = (relation: string): boolean => relation in (deployed.published ?? {});
  const judged = relations.filter((relation) => !isBuiltAgain(relation) && !isPublished(relation));
  const found = await mapConcurrently(judged, async (relation) => ({
    relation,
    what: await driftOf(remote, relation, present.get(relation), stateOf(deployed.relations, relation), isOurs),
  }));
  return new Map(found.flatMap(({ relation, what }) => (what === undefined ? [] : [[relation, what]])));
}
