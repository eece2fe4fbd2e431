import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative } from 'node:path';
import { writeAtomically } from '../config/atomic-file.ts';
import type { Effects } from '../config/effects.ts';
import { MeetupError } from '../config/errors.ts';
import type { CommandResult } from '../config/result.ts';
import { hasDbtProject, planForDbtProject } from '../init/dbt-project.ts';
import { planForJson } from '../init/json-folder.ts';
import type { InitPlan } from '../init/planned-file.ts';

export interface InitOptions {
  /** The project's folder. */
  readonly root: string;
  /** The folder of the JSON files, if it was named; `data` in the project by default. */
  readonly data?: string | undefined;
  /** Whether to write what is planned. */
  readonly confirm: (plan: InitPlan) => Promise<boolean>;
}

export interface InitReport extends InitPlan {
  /** `planned`: nobody agreed, so nothing was written. */
  readonly status: 'written' | 'planned' | 'unchanged';
}

/**
 * Brings a dbt project, or a folder of JSON files, under meetup. Files that are there stay as they are; only .gitignore gets lines.
 * @throws MeetupError if the folder has neither, or the JSON files are outside of it.
 */
export async function run({ root, data, confirm }: InitOptions, effects: Effects): Promise<CommandResult<InitReport>> {
  const named = data === undefined ? undefined : folderIn(root, data);
  const plan = hasDbtProject(root)
    ? planForDbtProject(root, named, effects.env)
    : await planForJson(root, named ?? 'data', effects);
  if (plan.files.length === 0) return { exitCode: 0, report: { ...plan, status: 'unchanged' } };
  if (!(await confirm(plan))) return { exitCode: 1, report: { ...plan, status: 'planned' } };
  for (const { path, action, text, from } of plan.files) {
    const file = join(root, path);
    if (action !== 'changed' && existsSync(file)) {
      throw new MeetupError(`${file} was created in the meantime: run \`./meetup init\` again.`);
    }
    await mkdir(dirname(file), { recursive: true });
    if (from !== undefined) await rename(join(root, from), file);
    else if (text !== undefined) await writeAtomically(file, text);
  }
  return { exitCode: 0, report: { ...plan, status: 'written' } };
}

/** A folder as the project's settings name it. */
function folderIn(root: string, data: string): string {
  const within = relative(root, data);
  if (within !== '' && !within.startsWith('..') && !isAbsolute(within)) return within;
  throw new MeetupError(`--data names ${data}, which is not a folder within ${root}: choose one in it, such as data.`);
}
