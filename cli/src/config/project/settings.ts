import { z } from 'zod';
import { branchSchema } from './branch-settings.ts';
import { checksSchema } from './check-settings.ts';
import { landedSchema } from './landed-settings.ts';

/** A path, relative to the folder of meetup.yml. */
const path = z
  .string()
  .min(1)
  .refine((text) => !text.includes('\0'), "a path can't contain a null character");

const columnName = /^[^.]+\.[^.]+$/;

/** The schema of `meetup.yml`. Each key's description is also part of the JSON Schema for editors. */
export const settingsSchema = z
  .strictObject({
    dbt: z
      .strictObject({
        project: path.optional().describe('The folder of dbt_project.yml.'),
        profiles: path.optional().describe('The folder of profiles.yml.'),
      })
      .optional()
      .describe('Where dbt finds the project.'),
    fixtures: path
      .optional()
      .describe('The folder that `meetup test new` writes unit tests to; it must lie in one of model-paths.'),
    scenarios: path.optional().describe('The folder of the scenarios, one folder each.'),
    data: path.optional().describe('The folder of the JSON files that `meetup load` reads.'),
    schemas: path.optional().describe('The folder of the JSON Schemas, one `<entity>.schema.json` each.'),
    queries: path
      .optional()
      .describe('The folder of saved queries (*.sql): `meetup impact` says which columns they read.'),
    public: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .describe(
        'The schemas of the public models, by their names in the local target: `diff`, `deploy` and scenarios compare them, and `query` searches them first.',
      ),
    dev: z
      .strictObject({
        show: z.array(path).optional().describe('SQL files whose results `meetup dev` shows at the end.'),
        warn: z
          .array(path)
          .optional()
          .describe('SQL files that return one text per warning; `meetup dev` shows them above the results.'),
      })
      .optional()
      .describe('What `meetup dev` shows at the end.'),
    dashboard: z
      .strictObject({
        pages: path.optional().describe('The folder of the pages (default: dashboard).'),
        title: z.string().min(1).optional().describe('The title above all pages (default: the name of the folder).'),
        as_of: z
          .string()
          .regex(columnName, 'is not the name of a table and a column, such as data_freshness.as_of')
          .optional()
          .describe('The table and column with the moment that the data describes, shown with every chart.'),
        port: z
          .int()
          .min(0)
          .max(65_535)
          .optional()
          .describe('The port that the dashboard is served on (default: 4680; 0: any free port).'),
      })
      .optional()
      .describe('The pages of `meetup dashboard`.'),
    checks: checksSchema.optional(),
    branch: branchSchema.optional(),
    landed: landedSchema.optional(),
    personal: z
      .record(z.string().regex(columnName, 'is not the name of a table and a column, such as users.email'), z.boolean())
      .optional()
      .describe(
        'Whether a column, `<table>.<column>`, is personal: `test new` keeps values only of columns that are not. Takes precedence over `meta: {personal: …}` in dbt.',
      ),
    key_separator: z
      .string()
      .optional()
      .describe('Separator between the parts of surrogate keys, for $key in scenarios (default: -).'),
  })
  .describe('Settings of meetup for one dbt project.');

/** `meetup.yml`, parsed. */
export type Settings = z.infer<typeof settingsSchema>;

/** The name of the file, at the root of the project. */
export const SETTINGS_FILE = 'meetup.yml';

/** The separator between the parts of a surrogate key; by default that of dbt_utils. */
export const keySeparatorOf = ({ key_separator: separator = '-' }: Settings): string => separator;

/** The JSON Schema of meetup.yml, for editors. */
export const settingsJsonSchema = (): object => ({
  ...z.toJSONSchema(settingsSchema, { target: 'draft-2020-12', io: 'input' }),
  title: SETTINGS_FILE,
});
