import { z } from 'zod';

/** What a view shows: all of a table, as its comment says too. */
export const publishedSchema = z.object({
  /** `schema.name` of the table. */
  of: z.string(),
  comment: z.string().default(''),
});
export type Published = z.infer<typeof publishedSchema>;

/** Views by `schema.name`. */
export type PublishedViews = Readonly<Record<string, Published>>;

/**
 * What a deployment does with a view that readers have, once its tables have passed all tests. `switch` shows them the new rows;
 * `replace` puts the view in the place of a table, which is kept aside.
 */
export const publishStepSchema = z.object({
  /** `schema.name` of the view. */
  view: z.string(),
  what: z.enum(['create', 'switch', 'replace', 'drop']),
  of: z.string(),
  comment: z.string().default(''),
});
export type PublishStep = z.infer<typeof publishStepSchema>;
