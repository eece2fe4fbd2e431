import { z } from 'zod';

const meta = z.looseObject({ personal: z.unknown().optional() }).optional();
const columnSchema = z.looseObject({
  name: z.string(),
  description: z.string().default(''),
  data_type: z.string().nullish(),
  meta,
  config: z.looseObject({ meta }).optional(),
});
const columns = z.record(z.string(), columnSchema).default({});
const dependsOn = z.looseObject({ nodes: z.array(z.string()).default([]) }).default({ nodes: [] });

const nodeSchema = z.looseObject({
  unique_id: z.string(),
  resource_type: z.string(),
  name: z.string(),
  package_name: z.string(),
  original_file_path: z.string(),
  patch_path: z.string().nullish(),
  description: z.string().default(''),
  access: z.string().nullish(),
  group: z.string().nullish(),
  fqn: z.array(z.string()),
  config: z.looseObject({ contract: z.looseObject({ enforced: z.boolean().default(false) }).optional() }),
  columns,
  test_metadata: z.looseObject({ name: z.string() }).nullish(),
  attached_node: z.string().nullish(),
  depends_on: dependsOn,
});
const sourceSchema = z.looseObject({ unique_id: z.string(), name: z.string(), columns });
const ownerSchema = z.looseObject({
  name: z.string().nullish(),
  email: z.union([z.string(), z.array(z.string())]).nullish(),
});
const groupSchema = z.looseObject({ name: z.string(), description: z.string().nullish(), owner: ownerSchema });
const exposureSchema = z.looseObject({
  name: z.string(),
  package_name: z.string(),
  original_file_path: z.string(),
  owner: ownerSchema,
  depends_on: dependsOn,
});

/** dbt's manifest, as far as the rules need it. */
export const checkedManifest = z.looseObject({
  metadata: z.looseObject({ project_name: z.string() }),
  nodes: z.record(z.string(), nodeSchema),
  sources: z.record(z.string(), sourceSchema).default({}),
  unit_tests: z.record(z.string(), z.looseObject({ depends_on: dependsOn })).default({}),
  groups: z.record(z.string(), groupSchema).default({}),
  exposures: z.record(z.string(), exposureSchema).default({}),
});

export type CheckedManifest = z.infer<typeof checkedManifest>;
export type CheckedNode = z.infer<typeof nodeSchema>;
export type CheckedColumn = z.infer<typeof columnSchema>;

/** What the YAML says about a column being personal; undefined if it says nothing. */
export function saidPersonal({ config, meta: outer }: CheckedColumn): boolean | undefined {
  const said = config?.meta?.personal ?? outer?.personal;
  return typeof said === 'boolean' ? said : undefined;
}
