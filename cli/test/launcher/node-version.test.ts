import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OLDEST, repository, tooOld } from './modules.ts';

const entry = join(repository, 'cli', 'launcher', 'launch.cjs');

describe('the check of the Node version', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'meetup-node-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('requires the same version as package.json', async () => {
    const { engines }: { engines: { node: string } } = JSON.parse(
      await readFile(join(repository, 'package.json'), 'utf8'),
    );
    expect(engines.node).toBe(`>=${OLDEST.major}.${OLDEST.minor}`);
  });

  it.each(['20.20.0', '20.21.3', '22.0.0', '26.10.0'])('accepts %s', (version) => {
    expect(tooOld(version)).toBeUndefined();
  });

  it.each(['20.19.9', '18.20.0', '10.24.1', '0.12.18'])('rejects %s', (version) => {
    expect(tooOld(version)).toMatch(`is Node ${version}: install a newer one`);
  });

  it('is written in syntax that an old Node can parse', async () => {
    for (const file of ['launch', 'node-version']) {
      const source = await readFile(join(repository, 'cli', 'launcher', `${file}.cjs`), 'utf8');
      const code = source.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
      expect(code).not.toMatch(/=>|`|\bconst\b|\blet\b|\bclass\b|\?\.|\?\?|\basync\b|\.\.\./);
    }
  });

  it('fails with one sentence if Node is too old, and as JSON with --json', async () => {
    const pretend = join(folder, 'pretend.cjs');
    await writeFile(pretend, "Object.defineProperty(process.versions, 'node', { value: '18.19.0' });");
    const { status, stdout, stderr } = spawnSync(process.execPath, ['-r', pretend, entry, 'dev', '--json'], {
      encoding: 'utf8',
    });
    expect(status).toBe(2);
    expect(stderr).toMatch(/^Error: meetup needs Node 20\.20 or newer, and .+ is Node 18\.19\.0: install .+\.\n$/);
    expect(JSON.parse(stdout)).toMatchObject({ status: 'error', error: expect.stringContaining('18.19.0') });
  });

  it('fails with one sentence if there is no Node at all', async () => {
    for (const tool of ['dirname', 'readlink']) {
      const path = execFileSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).trim();
      await writeFile(join(folder, tool), `#!/bin/sh\nexec ${path} "$@"\n`, { mode: 0o755 });
    }
    const { status, stderr } = spawnSync('/bin/sh', [join(repository, 'meetup'), '--version'], {
      encoding: 'utf8',
      env: { PATH: folder },
    });
    expect(status).toBe(2);
    expect(stderr).toMatch(
      /^Error: meetup needs Node 20\.20 or newer, and there is no node on the PATH: install it .+\n$/,
    );
  });
});
