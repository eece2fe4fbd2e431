import { MeetupError } from '../config/errors.ts';
import { firstFew } from '../text/first-few.ts';
import type { Deployed } from './ledger.ts';

/** A relation that another project deployed to the same catalog. */
export interface ForeignRelation {
  readonly relation: string;
  readonly project: string;
}

/**
 * The deployed state as one project sees it. Several projects may share a catalog and so its ledger; each has its own fingerprints,
 * manifest and retired relations.
 */
export function seenBy(deployed: Deployed, project: string): Deployed {
  const { others = {}, fingerprints, retired, manifest, commit } = deployed;
  const last = deployed.project ?? likelyProject(deployed, project);
  if (last === project) return { ...deployed, project };
  // An entry of an older version names no owners: everything is of the project that deployed it.
  const owners = deployed.owners ?? Object.fromEntries(Object.keys(deployed.relations).map((name) => [name, last]));
  const { [project]: mine, ...rest } = others;
  return {
    ...deployed,
    project,
    owners,
    ...(mine ?? { fingerprints: {}, retired: [], manifest: null }),
    commit: mine?.commit,
    others: { ...rest, [last]: { fingerprints, retired, manifest, ...(commit === undefined ? {} : { commit }) } },
  };
}

/**
 * The project that an entry of an older version is about, which doesn't name it: this one, unless none of the deployed nodes is.
 * Nodes of packages are rarer than the project's own.
 */
function likelyProject({ fingerprints }: Deployed, project: string): string {
  const packages = Object.keys(fingerprints).map((uniqueId) => uniqueId.split('.')[1] ?? '');
  if (packages.length === 0 || packages.includes(project)) return project;
  const times = (name: string): number => packages.filter((one) => one === name).length;
  return packages.reduce((most, name) => (times(name) > times(most) ? name : most));
}

/** The other project that a relation belongs to; undefined if it is nobody's, or the project's own. */
export function otherOwner({ project, owners = {} }: Deployed, relation: string): string | undefined {
  const owner = owners[relation];
  return owner === project ? undefined : owner;
}

/** Those of some relations that belong to other projects. */
export const foreignIn = (deployed: Deployed, relations: readonly string[]): ForeignRelation[] =>
  relations.flatMap((relation) => {
    const project = otherOwner(deployed, relation);
    return project === undefined ? [] : [{ relation, project }];
  });

/** Who owns each relation after a deployment of these: what the project builds is its own, the rest stays as it was. */
export function ownersAfter({ project, owners = {} }: Deployed, built: readonly string[]): Record<string, string> {
  if (project === undefined) return { ...owners };
  return { ...owners, ...Object.fromEntries(built.map((relation) => [relation, project])) };
}

/**
 * Refuses to build over relations of another project, unless forced.
 * @throws MeetupError that names them and says what to do.
 */
export function refuseForeign(target: string, foreign: readonly ForeignRelation[], force: boolean): void {
  if (foreign.length === 0 || force) return;
  const { shown, more } = firstFew(foreign.map(({ relation, project }) => `${relation} (of ${project})`));
  const all = `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  throw new MeetupError(
    `Another project deployed to ${target} what this one would replace: ${all}. Give them another name or schema, deploy to another catalog, or take them over with --force, for example after the project was renamed.`,
  );
}
