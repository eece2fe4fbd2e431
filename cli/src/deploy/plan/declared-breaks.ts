import { join } from 'node:path';
import { z } from 'zod';
import { MeetupError } from '../../config/errors.ts';
import { readJsonFile } from '../../config/json-file.ts';
import type { Paths } from '../../config/paths.ts';
import { isPublic } from '../../config/project/public-models.ts';
import type { ContractBreak } from '../../lineage/contract-breaks.ts';
import { breakSentence } from '../../text/contract-break.ts';
import type { DeployPlan } from './plan.ts';

const dependsOn = z.looseObject({ nodes: z.array(z.string()).default([]) }).default({ nodes: [] });
const nodeSchema = z.looseObject({
  unique_id: z.string(),
  resource_type: z.string(),
  name: z.string(),
  version: z.union([z.string(), z.number()]).nullish(),
  schema: z.string().default(''),
  access: z.string().nullish(),
  deprecation_date: z.string().nullish(),
  config: z.looseObject({
    contract: z.looseObject({ enforced: z.boolean().default(false) }).nullish(),
    meta: z.looseObject({ published_in: z.string().optional() }).nullish(),
  }),
  columns: z.record(z.string(), z.looseObject({ name: z.string(), data_type: z.string().nullish() })).default({}),
  depends_on: dependsOn,
});
const manifestSchema = z.looseObject({
  nodes: z.record(z.string(), nodeSchema),
  exposures: z
    .record(
      z.string(),
      z.looseObject({
        name: z.string(),
        label: z.string().nullish(),
        url: z.string().nullish(),
        owner: z.looseObject({ name: z.string().nullish() }),
        depends_on: dependsOn,
      }),
    )
    .default({}),
  metrics: z.record(z.string(), z.looseObject({ name: z.string(), depends_on: dependsOn })).default({}),
  semantic_models: z.record(z.string(), z.looseObject({ depends_on: dependsOn })).default({}),
});
type Manifest = z.infer<typeof manifestSchema>;
type Node = z.infer<typeof nodeSchema>;

/**
 * What a deployment takes away from those who read the public models: models that are gone, and columns of enforced contracts that
 * were dropped or retyped. A model whose deprecation date has passed may go.
 * @param deployedDir the folder with the deployed manifest; undefined if nothing was deployed or it is lost
 */
export async function declaredBreaks(
  deployedDir: string | undefined,
  manifestFile: string,
  paths: Paths,
  now: Date,
): Promise<readonly ContractBreak[]> {
  if (deployedDir === undefined) return [];
  const hint = 'remove it, and try again';
  const before = await readJsonFile(join(deployedDir, 'manifest.json'), manifestSchema, hint);
  const { nodes } = await readJsonFile(manifestFile, manifestSchema, hint);
  return Object.values(before.nodes)
    .filter((node) => node.resource_type === 'model' && isPublic(node, paths))
    .flatMap((node) => breaksOf(node, nodes[node.unique_id], now).map((one) => ({ ...one, ...readBy(before, node) })));
}

function breaksOf(before: Node, now: Node | undefined, today: Date): Omit<ContractBreak, 'models' | 'readers'>[] {
  const model = nameOf(before);
  if (now === undefined) return isDeprecated(before, today) ? [] : [{ model, what: 'removed' }];
  if (before.config.contract?.enforced !== true) return [];
  const types = new Map(Object.values(now.columns).map(({ name, data_type }) => [name.toLowerCase(), data_type]));
  return Object.values(before.columns).flatMap(
    ({ name, data_type: type }): Omit<ContractBreak, 'models' | 'readers'>[] => {
      const column = name.toLowerCase();
      if (!types.has(column)) return [{ model, column, what: 'dropped' }];
      const is = types.get(column)?.toLowerCase();
      if (is === undefined || type == null || is === type.toLowerCase()) return [];
      return [{ model, column, what: 'retyped', detail: `from ${type.toLowerCase()} to ${is}` }];
    },
  );
}

const nameOf = ({ name, version }: Node): string => (version == null ? name : `${name}.v${version}`);

const isDeprecated = ({ deprecation_date: date }: Node, today: Date): boolean => date != null && new Date(date) < today;

function readBy(
  { nodes, exposures, metrics, semantic_models: semantic }: Manifest,
  { unique_id: id }: Node,
): Pick<ContractBreak, 'models' | 'readers'> {
  const reads = ({ depends_on: above }: { depends_on: { nodes: string[] } }): boolean => above.nodes.includes(id);
  // A metric depends on semantic models or on other metrics, and these on models.
  const measures = (metric: { depends_on: { nodes: string[] } }): boolean =>
    reads(metric) ||
    metric.depends_on.nodes.some((above) => {
      const one = semantic[above] ?? metrics[above];
      return one !== undefined && measures(one);
    });
  return {
    models: Object.values(nodes)
      .filter((node) => node.resource_type === 'model' && reads(node))
      .map(nameOf),
    readers: [
      ...Object.values(exposures)
        .filter(reads)
        .map(({ name, label, url, owner }) => ({
          kind: 'exposure' as const,
          name: label ?? name,
          ...(owner.name == null ? {} : { owner: owner.name }),
          ...(url == null ? {} : { url }),
        })),
      ...Object.values(metrics)
        .filter(measures)
        .map(({ name }) => ({ kind: 'metric' as const, name })),
    ],
  };
}

/**
 * Refuses to take something away from the readers of public models, unless somebody gives the reason.
 * @throws MeetupError that names what breaks and who reads it.
 */
export function refuseBreaks(
  { breaks, target }: DeployPlan,
  { acceptBreak }: { acceptBreak?: string | undefined },
): void {
  const [first, ...others] = breaks;
  if (first === undefined || acceptBreak !== undefined) return;
  const more =
    others.length === 0 ? '' : ` ${others.length} more: \`./meetup deploy --target ${target} --plan\` lists them.`;
  throw new MeetupError(
    `${breakSentence(first)}${more} Keep it, make a new version of the model, or deploy with --accept-break and the reason.`,
    { exitCode: 1 },
  );
}
