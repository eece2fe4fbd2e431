import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';
import type { Effects } from '../config/effects.ts';
import { InterruptedError, MeetupError } from '../config/errors.ts';
import type { Paths } from '../config/paths.ts';
import { writeLintConfig } from './lint-config.ts';

export interface Violation {
  /** Relative to the project's root. */
  readonly file: string;
  readonly line: number;
  /** sqlfluff's code of the rule, such as LT01. */
  readonly code: string;
  readonly message: string;
}

export interface LintOutcome {
  /** The number of files that were linted. */
  readonly files: number;
  readonly violations: readonly Violation[];
}

/** The part of `sqlfluff lint --format json` that is used here. */
const outputSchema = z.array(
  z.object({
    filepath: z.string(),
    violations: z.array(
      z.object({
        start_line_no: z.number(),
        code: z.string(),
        description: z.string(),
        warning: z.boolean().optional(),
      }),
    ),
  }),
);

/** Where sqlfluff looks for its settings. */
const LINT_FILES = ['.sqlfluff', 'setup.cfg', 'tox.ini', 'pep8.ini', 'pyproject.toml'];

/** Whether the project has settings for sqlfluff; without them there is nothing that its authors agreed on. */
export async function hasLintRules({ root, dbtProject }: Paths): Promise<boolean> {
  for (const file of [dbtProject, root].flatMap((folder) => LINT_FILES.map((name) => join(folder, name)))) {
    const text = await readFile(file, 'utf8').catch(() => '');
    if (text.includes('[sqlfluff') || text.includes('[tool.sqlfluff')) return true;
  }
  return false;
}

/**
 * Runs sqlfluff over the dbt project, by the project's own `.sqlfluff`.
 * @throws MeetupError if sqlfluff is not installed or fails.
 */
export async function lintModels(paths: Paths, effects: Effects): Promise<LintOutcome> {
  const folder = process.platform === 'win32' ? 'Scripts' : 'bin';
  const sqlfluff = join(paths.toolchain, 'dev', folder, 'sqlfluff');
  if (!existsSync(sqlfluff)) {
    throw new MeetupError(
      'sqlfluff is not installed: pin it in dbt/requirements-dev.txt, and `./meetup ci` installs it.',
    );
  }
  const config = await writeLintConfig(paths);
  const ended = await execa(sqlfluff, ['lint', '.', '--config', config, '--format', 'json', '--disable-progress-bar'], {
    cwd: paths.dbtProject,
    reject: false,
    stdin: 'ignore',
    cancelSignal: effects.signal,
  });
  if (effects.signal.aborted) throw new InterruptedError();
  if (ended.exitCode !== 0 && ended.exitCode !== 1) throw notWorking(ended.stderr || ended.stdout);
  const files = parse(ended.stdout);
  const violations = files.flatMap(({ filepath, violations: found }) =>
    found
      .filter(({ warning }) => warning !== true)
      .map(({ start_line_no: line, code, description }) => {
        return { file: relative(paths.root, join(paths.dbtProject, filepath)), line, code, message: description };
      }),
  );
  return { files: files.length, violations };
}

function parse(stdout: string): z.infer<typeof outputSchema> {
  try {
    return outputSchema.parse(JSON.parse(stdout));
  } catch {
    throw notWorking(stdout);
  }
}

const notWorking = (said: string): MeetupError =>
  new MeetupError(`sqlfluff failed: ${said.trim().split('\n').slice(-3).join(' ') || 'no output'}`);
