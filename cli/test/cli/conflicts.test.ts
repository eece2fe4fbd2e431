import { expect, it } from 'vitest';
import { temporaryFolder } from '../support/effects.ts';
import { runInProcess } from '../support/run-cli.ts';

it.each([
  ['branch x --drop --diff', "option '--drop' cannot be used with option '--diff'"],
  ['branch x --list --drop', "option '--list' cannot be used with option '--drop'"],
  ['branch x --diff --days 3', "option '--diff' cannot be used with option '--days <n>'"],
  ['pull --drop --keys group_id=1', "option '--drop' cannot be used with option '--keys <keys>'"],
  ['branch x --days 1e12', "--days takes a number of days, at most 3650, but got '1e12'."],
])('%s is refused before anything is looked at', async (line, message) => {
  const env = { MEETUP_STATE_DIR: await temporaryFolder() };
  const ended = await runInProcess([...line.split(' '), '--target', 'prod'], { env });
  expect(ended).toMatchObject({ exitCode: 2, stdout: '' });
  expect(ended.stderr).toContain(message);
});
