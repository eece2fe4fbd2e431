import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { hasCode, MeetupError } from '../config/errors.ts';
import { reasonOf } from '../config/explain.ts';
import { DEFAULT_MAX_GONE, DEFAULT_MAX_REJECTED, shareSchema } from '../config/options.ts';
import type { Paths } from '../config/paths.ts';
import { keySeparatorOf } from '../config/project/settings.ts';
import { type ExpectedTable, readExpected } from './expected.ts';

/** A story: what arrives day by day, and what tables hold after each day. */
export interface Scenario {
  readonly name: string;
  readonly folder: string;
  readonly description: string;
  /** The business rule that it checks. */
  readonly rule: string;
  /** dbt's variables. Each distinct set costs a parse of the project. */
  readonly vars: Readonly<Record<string, unknown>>;
  /** The share of a file's records, 0 to 1, above which a drop is refused. */
  readonly maxRejected: number;
  /** The share of the records that were there before which a complete file may lack. */
  readonly maxGone: number;
  readonly days: readonly ScenarioDay[];
}

export interface ScenarioDay {
  /** `day-1`, `day-2`, … */
  readonly name: string;
  /** The date of the folder in which the files arrive; undefined for the undated dump. */
  readonly droppedOn: string | undefined;
  /** How the load must end. `unreadable`: with an error, such as that of a truncated file. */
  readonly load: 'loaded' | 'unchanged' | 'refused' | 'unreadable';
  /** The folder of the day's files; undefined if nothing arrives. */
  readonly folder: string | undefined;
  readonly expected: readonly ExpectedTable[];
}

const daySchema = z.strictObject({
  dropped_on: z.union([z.iso.date(), z.literal('undated')]),
  load: z.enum(['loaded', 'unchanged', 'refused', 'unreadable']).default('loaded'),
});

const scenarioSchema = z.strictObject({
  description: z.string().min(1),
  rule: z.string().min(1),
  vars: z.record(z.string(), z.unknown()).default({}),
  max_rejected: shareSchema.default(DEFAULT_MAX_REJECTED),
  max_gone: shareSchema.default(DEFAULT_MAX_GONE),
  days: z.array(daySchema).min(1),
});

/**
 * Reads all scenarios, ordered so that those with the same variables are adjacent.
 * @throws MeetupError that names the faulty file.
 */
export async function readScenarios(paths: Paths): Promise<Scenario[]> {
  const folder = paths.scenarios;
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const scenarios = await Promise.all(names.sort().map((name) => readScenario(paths, name)));
  return scenarios.sort((a, b) => compareTexts(JSON.stringify(a.vars), JSON.stringify(b.vars)));
}

/** Reads one scenario of `fixtures/scenarios/`. */
export async function readScenario(paths: Paths, name: string): Promise<Scenario> {
  const folder = join(paths.scenarios, name);
  const shown = relative(paths.root, folder);
  const said = await readDescription(join(folder, 'scenario.yml'), `${shown}/scenario.yml`);
  const present = new Set(await readdir(folder));
  const expectedOf = new Set(await readdir(join(folder, 'expected')).catch(() => []));
  const days = await Promise.all(
    said.days.map(async (day, index): Promise<ScenarioDay> => {
      const dayName = `day-${index + 1}`;
      const files = present.delete(dayName) ? join(folder, dayName) : undefined;
      if (files === undefined && day.load !== 'unchanged') {
        throw new MeetupError(
          `${shown}: ${dayName} has no folder: create it, or set \`load: unchanged\` for that day.`,
        );
      }
      expectedOf.delete(dayName);
      return {
        name: dayName,
        droppedOn: day.dropped_on === 'undated' ? undefined : day.dropped_on,
        load: day.load,
        folder: files,
        expected: await readExpected(
          join(folder, 'expected', dayName),
          `${shown}/expected/${dayName}`,
          keySeparatorOf(paths.settings),
        ),
      };
    }),
  );
  const stray = [...present].find((entry) => !['scenario.yml', 'expected'].includes(entry)) ?? [...expectedOf][0];
  if (stray !== undefined) throw new MeetupError(`${shown}: ${stray} is not a day in scenario.yml.`);
  const { description, rule, vars, max_rejected: maxRejected, max_gone: maxGone } = said;
  return { name, folder, description, rule, vars, maxRejected, maxGone, days };
}

async function readDescription(path: string, shown: string): Promise<z.infer<typeof scenarioSchema>> {
  let document: unknown;
  try {
    document = parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new MeetupError(`${shown} can't be read: ${reasonOf(error)}`, { cause: error });
  }
  const parsed = scenarioSchema.safeParse(document);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new MeetupError(`${shown}: ${issue?.path.join('.') || 'the file'}: ${issue?.message ?? 'is wrong'}.`);
}

const compareTexts = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
