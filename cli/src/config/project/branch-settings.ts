import { z } from 'zod';

/** `5%` of the rows that readers see now, or a number of rows. */
const isWhat = 'must be a share such as 5%, or a number of rows';
const limit = z.union([z.int(isWhat).min(0, isWhat), z.string().regex(/^\d+(\.\d+)?%$/, isWhat)], isWhat);

const limits = {
  max_changed: limit
    .optional()
    .describe('How many rows of a public model a branch may change: a share such as 5%, or a number of rows.'),
  max_added: limit.optional().describe('How many rows it may add.'),
  max_removed: limit.optional().describe('How many rows it may remove.'),
};

/** What a branch may do to the rows of public models. */
export const branchSchema = z
  .strictObject({
    target: z
      .enum(['rehearsal', 'prod'])
      .optional()
      .describe('The target on which `meetup ci` builds a branch of the change, if there are credentials for it.'),
    ...limits,
    models: z
      .record(z.string().min(1), z.strictObject(limits))
      .optional()
      .describe('Other limits for some public models, by name.'),
  })
  .describe('What `meetup branch` and `meetup ci` accept as changes of public models; more than that fails.');

export type BranchSettings = z.infer<typeof branchSchema>;
/** A share such as `5%`, or a number of rows. */
export type RowLimit = z.infer<typeof limit>;
