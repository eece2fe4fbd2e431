import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { InterruptedError } from '../../src/config/errors.ts';
import { projectRoot } from '../../src/config/paths.ts';
import { runVitest, type VitestRun } from '../../src/unit-tests/vitest/run-vitest.ts';
import { verdictsOf } from '../../src/unit-tests/vitest/verdicts.ts';
import { quietEffects, temporaryFolder } from '../support/effects.ts';

/** A folder with these vitest files, and the options that run them. */
async function project(files: Readonly<Record<string, string>>): Promise<VitestRun> {
  const root = await temporaryFolder();
  await mkdir(join(root, 'a'));
  await symlink(join(projectRoot, 'node_modules'), join(root, 'node_modules'));
  for (const [name, text] of Object.entries(files)) await writeFile(join(root, name), text);
  return { root, files: [], watch: false, watched: [], cache: join(root, 'cache'), env: { MEETUP_A_VALUE: 'given' } };
}

async function verdicts(run: VitestRun) {
  const { testModules } = await runVitest(run, quietEffects());
  return testModules.flatMap(verdictsOf);
}

const passing = `import { describe, expect, it } from 'vitest';
describe('suite', () => { it('passes', () => expect(process.env.MEETUP_A_VALUE).toBe('given')); it.skip('waits', () => {}); });`;
const failing = `import { expect, it } from 'vitest'; it('fails', () => expect(1).toBe(2));`;

describe('running vitest in this process', { timeout: 60_000 }, () => {
  test('returns the status of each test by file and name, and passes the environment on', async () => {
    const run = await project({ 'a/one.test.ts': passing, 'a/two.test.ts': failing });
    const found = await verdicts(run);
    expect(found.map(({ name, status }) => [name, status]).sort()).toEqual([
      ['a/one.test.ts > suite passes', 'pass'],
      ['a/one.test.ts > suite waits', 'skip'],
      ['a/two.test.ts > fails', 'fail'],
    ]);
    expect(found.find(({ status }) => status === 'fail')?.message).toContain('expected 1 to be 2');
  });

  test('runs only the chosen files and names, and writes a JUnit report', async () => {
    const run = await project({ 'a/one.test.ts': passing, 'a/two.test.ts': failing });
    const junit = join(run.root, 'report.xml');
    const found = await verdicts({ ...run, files: ['one'], namePattern: 'suite', junit });
    expect(found.map(({ status }) => status)).toEqual(['pass', 'skip']);
    expect(await readFile(junit, 'utf8')).toContain('<testcase classname="a/one.test.ts" name="suite &gt; passes"');
  });

  test('reports a file that cannot be imported as a failure', async () => {
    const run = await project({ 'a/broken.test.ts': `import './nowhere.ts';` });
    expect(await verdicts(run)).toMatchObject([{ name: 'a/broken.test.ts', status: 'fail' }]);
  });

  test('fails with one sentence if there is no test file', async () => {
    await expect(runVitest(await project({}), quietEffects())).rejects.toThrow('vitest found no test file');
  });

  test("does not change the process's exit code", async () => {
    const before = process.exitCode;
    await runVitest(await project({ 'a/two.test.ts': failing }), quietEffects());
    expect(process.exitCode).toBe(before);
  });

  test('watches until it is interrupted, and reruns tests whose files changed', async () => {
    const run = await project({
      'a/log.test.ts': `import { appendFileSync } from 'node:fs'; import { it } from 'vitest';
import { word } from './word.ts'; it('logs', () => appendFileSync(process.env.MEETUP_A_VALUE, word));`,
      'a/word.ts': `export const word = 'first ';`,
    });
    const log = join(run.root, 'log');
    const stop = new AbortController();
    const watching = runVitest(
      { ...run, watch: true, env: { MEETUP_A_VALUE: log } },
      quietEffects({ signal: stop.signal }),
    );
    const logged = () => expect.poll(() => readFile(log, 'utf8').catch(() => ''), { timeout: 20_000 });
    await logged().toBe('first ');
    await writeFile(join(run.root, 'a/word.ts'), `export const word = 'second ';`);
    await logged().toBe('first second ');
    stop.abort();
    await expect(watching).rejects.toThrow(InterruptedError);
  });
});
