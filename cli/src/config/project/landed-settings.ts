import { z } from 'zod';
import { DEFAULT_MAX_GONE, DEFAULT_MAX_REJECTED, shareSchema } from '../options.ts';

/** Targets on which files land in a volume, instead of being uploaded by `deploy`. */
export const landedSchema = z
  .strictObject({
    targets: z
      .array(z.enum(['rehearsal', 'prod']))
      .min(1)
      .describe('The targets on which they land.'),
    volume: z
      .string()
      .regex(/^[A-Za-z0-9_]+\.[A-Za-z0-9_]+$/, 'is not the name of a schema and a volume, such as arrived.drops')
      .describe("The volume with the drops, `<schema>.<volume>` in the target's catalog."),
    max_rejected: shareSchema
      .optional()
      .describe("The share of a file's records above which it is refused (default: 1%)."),
    max_gone: shareSchema
      .optional()
      .describe('The share of the records that were there before which a complete file may lack (default: 5%).'),
  })
  .describe(
    'Files of all entities land in a volume of a target, where a task of the job loads them, instead of being uploaded by `meetup deploy`.',
  );

export type LandedSettings = z.infer<typeof landedSchema>;

/** How files land on a target; undefined if `deploy` uploads there. */
export const landedOn = (
  { landed }: { readonly landed?: LandedSettings | undefined },
  target: string,
): LandedSettings | undefined => (landed?.targets.some((name) => name === target) ? landed : undefined);

/** Its limits, as shares between 0 and 1. */
export const landedLimits = ({
  max_rejected: maxRejected = DEFAULT_MAX_REJECTED,
  max_gone: maxGone = DEFAULT_MAX_GONE,
}: LandedSettings): { readonly maxRejected: number; readonly maxGone: number } => ({ maxRejected, maxGone });
