import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { resolvePaths } from '../../src/config/paths.ts';
import { placesOf } from './modules.ts';

describe("the launcher's folders", () => {
  it.each([
    [{}, {}],
    [{ stateDir: 'here' }, { MEETUP_STATE_DIR: '/elsewhere' }],
    [{ stateDir: '/abs/state' }, {}],
    [{}, { MEETUP_STATE_DIR: 'relative/state' }],
    [{}, { MEETUP_TOOLCHAIN_DIR: '../tools', MEETUP_STATE_DIR: '/s' }],
    [{ stateDir: 'here' }, { MEETUP_TOOLCHAIN_DIR: '/tools' }],
  ])('are the same as those of the CLI for %j and %j', (options, env) => {
    const cwd = join('/', 'some', 'folder');
    const paths = resolvePaths(options, env, cwd);
    expect(placesOf(options, env, cwd)).toMatchObject({
      root: paths.root,
      state: paths.state,
      toolchain: paths.toolchain,
      logs: paths.logs,
    });
  });

  it('ignore an environment variable that is empty', () => {
    expect(placesOf({}, { MEETUP_STATE_DIR: '', MEETUP_TOOLCHAIN_DIR: '' }, '/x', '/repo')).toMatchObject({
      state: join('/repo', '.meetup'),
      toolchain: join('/repo', '.meetup', 'toolchain'),
    });
  });
});
