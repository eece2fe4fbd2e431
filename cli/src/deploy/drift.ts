import { MeetupError } from '../config/errors.ts';
import { firstFew } from '../text/first-few.ts';
import { refuseForeign } from './owners.ts';
import type { DeployPlan } from './plan/plan.ts';
import { GONE } from './relations.ts';

/**
 * Refuses to overwrite relations that another project made or somebody else changed, unless forced: there may have been a reason. Relations that
 * were dropped are simply built again.
 * @throws MeetupError that names the changed relations and what to do.
 */
export function refuseDrift(
  plan: DeployPlan,
  { force = false, fullRefresh = false }: { force?: boolean | undefined; fullRefresh?: boolean | undefined },
): void {
  refuseForeign(plan.target, plan.foreign, force);
  const raw = plan.drift.filter(({ relation }) => relation.startsWith('raw.'));
  if (raw.length > 0 && !fullRefresh) {
    throw new MeetupError(
      `${plan.target} has drifted since the last deployment: ${named(raw)}. ${waysBack(plan)}replace the raw tables with the local ones (--full-refresh).`,
    );
  }
  const models = plan.drift.filter(({ relation, what }) => !relation.startsWith('raw.') && what !== GONE);
  if (models.length > 0 && !force) {
    throw new MeetupError(
      `${plan.target} has drifted since the last deployment: ${named(models)}. ${waysBack(plan)}build over it with --force.`,
    );
  }
}

function named(drift: DeployPlan['drift']): string {
  const { shown, more } = firstFew(drift.map(({ relation, what }) => `${relation} (${what})`));
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function waysBack({ base, target }: DeployPlan): string {
  return base === null
    ? 'Drop it if nobody needs it, or '
    : `Put it back with \`./meetup rollback --target ${target} --to ${base}\`, or `;
}
