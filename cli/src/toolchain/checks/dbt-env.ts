import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { z } from 'zod';
import { hasCode } from '../../config/errors.ts';
import { readJsonFile } from '../../config/json-file.ts';
import { pythonEnvIsReady } from '../../config/launcher.ts';
import { type Paths, projectRoot } from '../../config/paths.ts';
import { type Check, type DoctorContext, fail, ok, warn } from './check.ts';

const NAME = "dbt's environment";
const MAKE = '`./meetup build` rebuilds it';

const stampSchema = z.object({ python: z.string() });

/** Whether dbt's Python packages are the pinned ones, according to the metadata of pip and uv, without starting Python. */
export async function checkDbtEnv({ paths }: DoctorContext): Promise<Check> {
  const installed = await installedPackages(paths);
  if (installed === undefined)
    return warn(NAME, `not created yet (${envFolder(paths)})`, '`./meetup build` creates it');
  if (!pythonEnvIsReady(paths)) {
    return warn(NAME, 'incomplete, or out of date with dbt/requirements.txt', MAKE);
  }
  const wrong = [...(await pinnedPackages())].filter(([name, { versions, everywhere }]) => {
    const found = installed.get(name);
    return found === undefined ? everywhere : !versions.includes(found);
  });
  if (wrong.length > 0) {
    const names = wrong.map(([name]) => `${name} ${installed.get(name) ?? 'missing'}`).slice(0, 5);
    const fix = `remove ${envFolder(paths)}, and ${MAKE}`;
    return fail(NAME, `differs from dbt/requirements.txt: ${names.join(', ')}`, fix);
  }
  const shown = ['dbt-core', 'dbt-duckdb', 'dbt-databricks'].flatMap((name) => {
    const version = installed.get(name);
    return version === undefined ? [] : [`${name} ${version}`];
  });
  const { python } = await readJsonFile(join(envFolder(paths), 'meetup-stamp.json'), stampSchema, MAKE);
  return ok(NAME, `${[...shown, `Python ${python}`].join(', ')}; ${installed.size} packages as pinned`);
}

/** Node and Python must use the same version of DuckDB, because the file format depends on it. */
export async function checkDuckDb({ paths }: DoctorContext): Promise<Check> {
  const node = await nodeDuckDbVersion();
  const python = (await installedPackages(paths))?.get('duckdb');
  if (python === undefined) return ok('DuckDB', `${node} in Node (dbt's is not installed yet)`);
  if (python === node) return ok('DuckDB', `${node} in Node and in dbt`);
  const fix = 'bring package.json and dbt/requirements.txt to the same version of DuckDB';
  return fail('DuckDB', `${node} in Node, but ${python} in dbt`, fix);
}

async function nodeDuckDbVersion(): Promise<string> {
  const instance = await DuckDBInstance.create(':memory:');
  try {
    const connection = await instance.connect();
    const reader = await connection.runAndReadAll('select version()');
    connection.closeSync();
    return String(reader.getRows()[0]?.[0]).replace(/^v/, '');
  } finally {
    instance.closeSync();
  }
}

const envFolder = (paths: Paths): string => join(paths.toolchain, 'python');

/** Names and versions from the `*.dist-info` folders; undefined if there is no environment. */
async function installedPackages(paths: Paths): Promise<Map<string, string> | undefined> {
  const library = await libraryFolder(paths);
  if (library === undefined) return undefined;
  const packages = new Map<string, string>();
  for (const entry of await readdir(library)) {
    const info = /^(.+)-([^-]+)\.dist-info$/.exec(entry);
    if (info?.[1] !== undefined && info[2] !== undefined) packages.set(normalise(info[1]), info[2]);
  }
  return packages;
}

async function libraryFolder(paths: Paths): Promise<string | undefined> {
  const env = envFolder(paths);
  try {
    if (process.platform === 'win32') return join(env, 'Lib', 'site-packages');
    const version = (await readdir(join(env, 'lib'))).find((name) => /^python3\.\d+$/.test(name));
    return version === undefined ? undefined : join(env, 'lib', version, 'site-packages');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

interface Pin {
  /** More than one if it depends on the platform or the version of Python. */
  readonly versions: readonly string[];
  /** Whether it is required on all platforms and versions of Python. */
  readonly everywhere: boolean;
}

async function pinnedPackages(): Promise<Map<string, Pin>> {
  const text = await readFile(join(projectRoot, 'dbt', 'requirements.txt'), 'utf8');
  const pins = new Map<string, Pin>();
  for (const [, name, version, marker] of text.matchAll(/^([A-Za-z0-9._-]+)==([^\s;\\]+)[ \t]*(;)?/gm)) {
    if (name === undefined || version === undefined) continue;
    const others = pins.get(normalise(name))?.versions ?? [];
    pins.set(normalise(name), { versions: [...others, version], everywhere: marker === undefined });
  }
  return pins;
}

/** Package names compare without regard to case and the kind of dash (PEP 503). */
const normalise = (name: string): string => name.toLowerCase().replace(/[-_.]+/g, '-');
