import { personalSettings, readProject } from '../../ci/checks/check.ts';
import { checkedManifest } from '../../ci/checks/manifest.ts';
import { hasPersonalColumns, hiddenColumns } from '../../ci/checks/personal.ts';
import { type MartSpec, publicMarts } from '../../compare/marts.ts';
import { databricksSide } from '../../compare/side.ts';
import { readJsonFile } from '../../config/json-file.ts';
import type { DeployContext } from '../../deploy/context.ts';
import { partsOf } from '../../deploy/remote.ts';
import type { BranchSurvey } from '../survey.ts';
import { type BranchMart, findChanges } from './find.ts';
import { type Exceeded, exceededBy, requireKnown } from './limits.ts';
import type { MartChange } from './mart-change.ts';

/** What a branch does to the numbers that readers see. */
export interface BranchChanges {
  readonly marts: readonly MartChange[];
  readonly exceeded: readonly Exceeded[];
}

/**
 * The public marts of the project, whose changes meetup.yml may limit.
 * @throws MeetupError if meetup.yml has limits for a model that doesn't exist.
 */
export async function limitedMarts(
  { paths }: Pick<DeployContext, 'paths'>,
  { manifestFile }: Pick<BranchSurvey, 'manifestFile'>,
): Promise<MartSpec[]> {
  const marts = await publicMarts(manifestFile, paths);
  requireKnown(paths.root, marts, paths.settings.branch);
  return marts;
}

/**
 * Compares the public marts of a branch with what readers see now.
 * @param all the public marts of the project.
 * @param isBuilt whether a mart is complete in the branch, by unique id.
 */
export async function compareBranch(
  context: DeployContext,
  { plan, manifestFile, drift }: BranchSurvey,
  all: readonly MartSpec[],
  isBuilt: (uniqueId: string) => boolean,
): Promise<BranchChanges> {
  const { paths, remote, target, effects } = context;
  const nodes = new Map(plan.nodes.map((node) => [node.uniqueId, node]));
  const personal = await personalIn(context, manifestFile);
  const marts = all.flatMap((mart): BranchMart[] => {
    const node = nodes.get(mart.uniqueId);
    if (node === undefined || !isBuilt(mart.uniqueId)) return [];
    return [
      { ...mart, place: partsOf(node.place), personal: personal(mart.uniqueId), drift: drift.get(node.relation) },
    ];
  });
  const side = databricksSide(target.name, remote.connection, remote.catalog, { signal: effects.signal });
  const changes = await findChanges(side, marts, effects.reporter.progress);
  return { marts: changes, exceeded: exceededBy(changes, paths.settings.branch) };
}

/** The personal columns of models: those that are declared, and those whose values come from one. */
async function personalIn(
  { paths, effects }: DeployContext,
  manifestFile: string,
): Promise<(uniqueId: string) => ReadonlySet<string>> {
  const manifest = await readJsonFile(manifestFile, checkedManifest, 'remove it, and try again');
  const declared = { manifest, personal: personalSettings(paths) };
  if (!hasPersonalColumns(declared)) return () => new Set();
  effects.reporter.progress('following personal columns');
  const { lineage } = await readProject(paths, effects, { followsPersonal: true });
  return (uniqueId) => {
    const model = manifest.nodes[uniqueId];
    return model === undefined ? new Set() : hiddenColumns(model, { ...declared, lineage });
  };
}
