import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Effects } from '../../../src/config/effects.ts';
import type { Paths } from '../../../src/config/paths.ts';
import { fetchJars, jarName, type Library } from '../../../src/rehearsal/provision/jars.ts';
import { findJava } from '../../../src/rehearsal/provision/java.ts';
import { provisionSpark } from '../../../src/rehearsal/provision/provision.ts';
import { type Case, casesFor, type Given, type Outcome, outcomeSchema } from './cases.ts';
import { nodeClient } from './node-client.ts';

/** Databricks' JDBC driver, from Maven Central. */
const JDBC: Library = {
  group: 'com.databricks',
  artifact: 'databricks-jdbc',
  version: '3.0.1',
  sha256: '73ff679a86ff726a2975f5de2dbb38564666f5f7a32854032ff71b50a871456f',
};

export interface Site {
  readonly paths: Paths;
  readonly effects: Effects;
  readonly connection: Omit<Given, 'cases'>;
}

const HERE = dirname(new URL(import.meta.url).pathname);

/** How to run the cases with each driver. */
const DRIVERS: Readonly<Record<string, (given: Given, site: Site) => Promise<Outcome[]>>> = {
  node: (given) => nodeClient(given),
  python: (given, { paths }) => runClient(paths.python, [join(HERE, 'client.py')], given),
  jdbc: async (given, site) => {
    const jar = await jdbcJar(site);
    const opened = ['java.base/java.nio', 'java.base/java.lang'].flatMap((name) => [
      '--add-opens',
      `${name}=ALL-UNNAMED`,
    ]);
    const options = ['-Duser.timezone=UTC', '-Xmx512m', ...opened, '-cp', jar];
    return runClient((await findJava(site.effects)).executable, [...options, join(HERE, 'Client.java')], given);
  },
};

/** Runs a client that reads its cases from standard input and prints the outcomes line by line. */
async function runClient(command: string, args: readonly string[], given: Given): Promise<Outcome[]> {
  const { stdout, stderr, exitCode } = await execa(command, args, { input: JSON.stringify(given), reject: false });
  if (exitCode !== 0) throw new Error(`${command} ended with ${exitCode}: ${stderr.slice(-2000)}`);
  const lines = stdout.split('\n').filter((line) => line.startsWith('{'));
  return lines.map((line) => outcomeSchema.parse(JSON.parse(line)));
}

/** The driver, downloaded once per toolchain. */
async function jdbcJar({ paths, effects }: Site): Promise<string> {
  const folder = join(paths.toolchain, 'rehearsal', 'drivers');
  const jar = join(folder, jarName(JDBC));
  if (existsSync(jar)) return jar;
  await mkdir(folder, { recursive: true });
  const { java, home } = await provisionSpark(paths, effects);
  await fetchJars([JDBC], folder, { spark: home, java, scratch: join(folder, 'fetching') }, effects);
  return jar;
}

/** Declares the same tests for every driver, against one rehearsal. */
export function describeClients(site: () => Promise<Site>): void {
  describe.each(Object.keys(DRIVERS))("Databricks' own driver: %s", (driver) => {
    const cases = casesFor(driver);
    let outcomes: Outcome[] = [];

    beforeAll(async () => {
      const found = await site();
      outcomes = (await DRIVERS[driver]?.({ ...found.connection, cases }, found)) ?? [];
    }, 600_000);

    it.each(cases.map((test) => [test.name, test] as const))('%s', (name, test) => {
      const outcome = outcomes.find((found) => found.name === name);
      expect(outcome?.failed).toBeUndefined();
      expectOutcome(test, outcome?.outcome);
    });
  });
}

function expectOutcome(test: Case, outcome: unknown): void {
  if (test.rows !== undefined) expect(outcome).toEqual(test.rows);
  else if (test.count !== undefined) expect(outcome).toBe(test.count);
  else if (test.has !== undefined) expect(outcome).toEqual(test.has.length > 0 ? expect.arrayContaining(test.has) : []);
  else if (test.do === 'error') {
    expect(outcome).toMatchObject({ state: test.state, message: expect.stringContaining(test.words ?? '') });
  } else if (test.do === 'together') expect(outcome).toBe(3);
  else if (test.do === 'volume') expect(outcome).toBe(true);
  else if (test.do === 'missing') expect(outcome).toMatchObject({ message: expect.any(String) });
  else {
    expect(outcome).toMatchObject({ ended: 'cancelled', after: [['1']] });
    expect(outcome).toHaveProperty(
      'seconds',
      expect.toSatisfy((seconds: number) => seconds < 5),
    );
  }
}
