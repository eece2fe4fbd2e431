import { readFile, realpath } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, relative } from 'node:path';
import { hasCode, MeetupError } from '../config/errors.ts';
import { stateMarker } from '../config/launcher.ts';
import { type Paths, projectRoot } from '../config/paths.ts';

/**
 * Makes sure that a state folder may be removed: meetup created it, and it holds nothing else.
 * @returns the folder itself if a link leads to it; undefined if there is none.
 * @throws MeetupError if something else created it, or it contains the data or the project.
 */
export async function ownState(paths: Paths): Promise<string | undefined> {
  const state = await realFolder(paths.state);
  if (state === undefined) return undefined;
  const precious = [homedir(), projectRoot, paths.root, paths.data];
  for (const folder of precious) {
    const real = await realFolder(folder);
    if (real !== undefined && contains(state, real)) throw refusal(paths, `it contains ${folder}`);
  }
  const isDefault = state === (await realFolder(join(paths.root, '.meetup')));
  if (!isDefault && !(await isMarked(state))) {
    throw refusal(paths, `it has no ${stateMarker().name} from meetup, so something else may have created it`);
  }
  return state;
}

function refusal(paths: Paths, why: string): MeetupError {
  return new MeetupError(
    `The state folder ${paths.state} is not removed because ${why}: remove by hand what you no longer need.`,
  );
}

async function isMarked(state: string): Promise<boolean> {
  const { name, signature } = stateMarker();
  try {
    const text = await readFile(join(state, name), 'utf8');
    return text.startsWith(signature) && text.includes('meetup');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EISDIR')) return false;
    throw error;
  }
}

async function realFolder(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Whether `inner` is `outer` or inside it. */
function contains(outer: string, inner: string): boolean {
  const path = relative(outer, inner);
  return path === '' || (!path.startsWith('..') && !/^([A-Za-z]:|[/\\])/.test(path));
}
