import { z } from 'zod';
import { MeetupError, messageOf } from './errors.ts';

/** Every target of profiles/profiles.yml that can be deployed to or built on. */
export const targetSchema = z.enum(['dev', 'rehearsal', 'prod']);
export type Target = z.infer<typeof targetSchema>;

/**
 * Refuses a target that a command can't use, instead of silently using another one.
 * @throws MeetupError that names the target.
 */
export function requireTarget(target: Target, accepted: readonly Target[]): void {
  if (accepted.includes(target)) return;
  throw new MeetupError(`This command only works locally and can't use --target ${target}: leave it out.`);
}

/** The parts of the models' tests. */
export const testPart = z.enum(['fixtures', 'scenarios']);

/**
 * One regular expression for names that match any of those given with --select.
 * @returns undefined if none is given.
 * @throws MeetupError if one of them is not a regular expression.
 */
export function namePattern(select: readonly string[] | undefined): RegExp | undefined {
  if (select === undefined) return undefined;
  for (const pattern of select) {
    try {
      new RegExp(pattern);
    } catch (error) {
      const why = messageOf(error).split(': ').at(-1) ?? '';
      throw new MeetupError(`--select '${pattern}' is not a regular expression (${why}): correct it.`, {
        cause: error,
      });
    }
  }
  return new RegExp(select.map((pattern) => `(?:${pattern})`).join('|'));
}

/** The options of every command. */
export const globalOptionsSchema = z.object({
  json: z.boolean().default(false),
  data: z.string().min(1).optional(),
  stateDir: z.string().min(1).optional(),
  target: targetSchema.default('dev'),
  verbose: z.boolean().default(false),
  quiet: z.boolean().default(false),
});
export type GlobalOptions = z.infer<typeof globalOptionsSchema>;

/** A positive number from the command line. */
export const positiveNumber = z.coerce.number().positive();
/** A lifetime in days from the command line. Dates end after some hundred thousand years. */
export const days = positiveNumber.max(3650);
/** A count from the command line. */
export const wholeNumber = z.coerce.number().int().nonnegative();

/** `100MB`, `2.5 kB` or a number of bytes; a kB has 1000. */
export const byteSize = z
  .string()
  .regex(/^\d+(\.\d+)?\s*(bytes|[kmg]?b)?$/i)
  .transform((text) => {
    const unit = /[kmg](?=b$)/i.exec(text)?.[0].toLowerCase() ?? '';
    return Math.round(Number.parseFloat(text) * 1000 ** ['', 'k', 'm', 'g'].indexOf(unit));
  });

/** A port on this machine; 0 is any free one. */
export const portSchema = z
  .string()
  .regex(/^\d+$/)
  .transform(Number)
  .refine((port) => port <= 65_535);

const isShare = 'must be a share such as 5%';

/** `1%` or `0.01`: a share between 0 and 1. */
export const shareSchema = z
  .string(isShare)
  .regex(/^\d+(\.\d+)?%?$/, isShare)
  .transform((text) => (text.endsWith('%') ? Number(text.slice(0, -1)) / 100 : Number(text)))
  .refine((share) => share <= 1, isShare);

/** The share of a batch's records that may be invalid, unless the user says otherwise. */
export const DEFAULT_MAX_REJECTED = 0.01;
/** The share of the known records that a complete file may lack, unless the user says otherwise. */
export const DEFAULT_MAX_GONE = 0.05;

/**
 * Parses one option's text.
 * @throws MeetupError in one sentence that names the option, its value and what it accepts.
 */
export function parseOption<T>(schema: z.ZodType<T>, option: string, value: unknown, takes: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new MeetupError(`${option} takes ${takes}, but got '${String(value)}'.`);
}
