import { cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { run as branch, drop as dropBranch } from '../../cli/src/commands/branch.ts';
import { type DeployReport, run as deploy } from '../../cli/src/commands/deploy.ts';
import { run as dev } from '../../cli/src/commands/dev.ts';
import { run as diff } from '../../cli/src/commands/diff.ts';
import { run as generate } from '../../cli/src/commands/generate.ts';
import { run as rehearsal } from '../../cli/src/commands/rehearsal.ts';
import { silentEffects } from '../../cli/src/config/effects.ts';
import { type Paths, projectRoot, resolvePaths } from '../../cli/src/config/paths.ts';
import { localBatches } from '../../cli/src/deploy/raw/batches.ts';
import { exportBatches } from '../../cli/src/deploy/raw/export.ts';
import { history } from '../../cli/src/deploy/relations.ts';
import { readRawTables } from '../../cli/src/ingest/raw-tables.ts';
import { rehearsalPlaces } from '../../cli/src/rehearsal/places.ts';
import { connectTarget, remoteTarget } from '../../cli/src/targets/target.ts';
import { openPublished } from '../../cli/src/warehouse/duckdb.ts';
import { copyProject } from '../../cli/test/support/project-copy.ts';

/**
 * Measures deployments of this project to the rehearsal: of everything, of nothing, of one changed model and its branch, of a daily drop,
 * and for how long readers can see marts of two deployments. Also measures
 * how many bytes are uploaded for the raw JSON, and how long it takes to compare all public marts. Everything happens in one run, on
 * one copy of the project. Ratios are relative to the deployment of everything.
 *
 *     npx tsx bench/deploy/run.ts --scale 0.02           # six minutes on two idle cores
 *     npx tsx bench/deploy/run.ts --scale 1 --only bytes # only the bytes, without Spark
 */
const { values } = parseArgs({
  options: { scale: { type: 'string', default: '0.02' }, only: { type: 'string' }, json: { type: 'boolean' } },
});
const folder = await mkdtemp(join(tmpdir(), 'meetup-bench-deploy-'));
const project = join(folder, 'project');
const effects = silentEffects({ env: process.env });
const paths = resolvePaths(
  { stateDir: join(folder, 'state') },
  {
    MEETUP_TOOLCHAIN_DIR: process.env.MEETUP_TOOLCHAIN_DIR || join(projectRoot, '.meetup/toolchain'),
    MEETUP_PROJECT_DIR: project,
  },
  folder,
);

const statementSchema = z.object({ at: z.string(), statement: z.string() });

interface Figures {
  rawBytes: number;
  uploadedBytes: number;
  branchBytes?: number;
  targetBytes?: number;
  [seconds: `${string}S`]: number;
}

const drops = join(folder, 'drops');
const isDrop = (name: string): boolean => /^\d{4}-\d{2}-\d{2}$/.test(name);

async function addDrops(which: (name: string) => boolean): Promise<void> {
  const names = (await readdir(drops)).filter((name) => !name.startsWith('.') && which(name));
  for (const name of names) await cp(join(drops, name), join(paths.data, name), { recursive: true });
}

async function rawBytes(): Promise<number> {
  const names = (await readdir(paths.data)).filter((name) => name.endsWith('.json'));
  return bytesOf(names.map((name) => join(paths.data, name)));
}

async function bytesOf(files: readonly string[]): Promise<number> {
  const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** The size of the Parquet files of all batches, which a first deployment uploads. */
async function bytesToUpload(of: Paths): Promise<number> {
  const local = await openPublished(of);
  try {
    const uploads = await exportBatches(
      local,
      await localBatches(local),
      join(folder, 'landing'),
      await readRawTables(of.schemas),
    );
    return uploads.reduce((sum, { bytes }) => sum + bytes, 0);
  } finally {
    await local.close();
  }
}

async function timed<T>(work: () => Promise<T>): Promise<{ seconds: number; result: T }> {
  const started = performance.now();
  const result = await work();
  return { seconds: (performance.now() - started) / 1000, result };
}

async function deployed(expected: DeployReport['status']): Promise<{ seconds: number; result: DeployReport }> {
  const done = await timed(
    async () => (await deploy({ paths, target: 'rehearsal', maxRejected: 0.5, yes: true }, effects)).report,
  );
  if (done.result.status === expected) return done;
  throw new Error(`expected ${expected}, got ${done.result.status}: ${done.result.reason ?? ''}`);
}

/** Changes a mart that nothing depends on, without changing its rows. */
async function changeOneModel(): Promise<void> {
  const file = join(paths.dbtProject, 'models/marts/organisers/time_slots.sql');
  await writeFile(file, `${(await readFile(file, 'utf8')).trimEnd()}\nwhere 1 = 1\n`);
}

/** Builds what differs as a branch, compares its public models with what readers see, and drops it. */
async function branchOf(): Promise<{ seconds: number; bytes: number; ofAll: number }> {
  const named = { paths, target: 'rehearsal', name: 'bench' } as const;
  const ofAll = await bytesIn(rehearsalPlaces(paths).warehouse);
  const { seconds, result } = await timed(() => branch(named, effects));
  if (result.exitCode !== 0) throw new Error(`the branch is ${result.report.status}`);
  await dropBranch(named, effects);
  return { seconds, bytes: result.report.bytes, ofAll };
}

async function bytesIn(place: string): Promise<number> {
  const entries = await readdir(place, { recursive: true, withFileTypes: true });
  return bytesOf(entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)));
}

async function measure(): Promise<Figures & { report: string[] }> {
  const raw = await rawBytes();
  const uploaded = await bytesToUpload(paths);
  const share = `${((uploaded / raw) * 100).toFixed(1)} %`;
  const lines = [`raw JSON ${mb(raw)}, uploaded ${mb(uploaded)}: ${share}  (goal: at most 5 %)`];
  const figures: Figures = { rawBytes: raw, uploadedBytes: uploaded };
  if (values.only === 'bytes') return { ...figures, report: lines };

  await rehearsal({ paths, action: 'up' }, effects);
  const full = await deployed('deployed');
  const row = (what: string, seconds: number, note = ''): void => {
    lines.push(
      `${what.padEnd(38)} ${seconds.toFixed(1).padStart(7)} s  ${(full.seconds / seconds).toFixed(1)} times as fast as all  ${note}`,
    );
  };
  const nodes = full.result.nodes?.length ?? 0;
  lines.push(
    `${'everything'.padEnd(38)} ${full.seconds.toFixed(1).padStart(7)} s  ${nodes} models, snapshots and tests`,
  );
  const nothing = await deployed('unchanged');
  row('nothing to do', nothing.seconds, `${nothing.result.uploadedBytes} bytes`);
  await changeOneModel();
  const branched = await branchOf();
  row(
    'a branch of one changed mart',
    branched.seconds,
    `(goal: 10); ${branched.bytes} bytes, ${((branched.bytes / branched.ofAll) * 100).toFixed(2)} % of the target (goal: 1 %)`,
  );
  const one = await deployed('deployed');
  row('one changed mart', one.seconds, `${one.result.nodes?.length} models and tests`);
  await addDrops(isDrop);
  const drop = await deployed('deployed');
  row(
    'a daily drop',
    drop.seconds,
    `${drop.result.uploadedBytes} bytes, ${drop.result.nodes?.length} models and tests`,
  );
  const mixed = await mixedWindows(drop.result);
  lines.push(
    `${'marts of two deployments side by side'.padEnd(38)} ${mixed.views.toFixed(1).padStart(7)} s  ${mixed.marts} views; ${mixed.tables.toFixed(1)} s between their tables' commits, ${(mixed.tables / mixed.views).toFixed(0)} times as long  (goal: 20)`,
  );
  const compared = await timed(() => diff({ paths, from: 'dev', to: 'rehearsal', samples: 1 }, effects));
  const rows = compared.result.report.marts.reduce((sum, mart) => sum + mart.rows.to, 0);
  const per = (compared.seconds / rows) * 1_000_000;
  lines.push(
    `${'comparison of all public marts'.padEnd(38)} ${compared.seconds.toFixed(1).padStart(7)} s  ${rows} rows, ${per.toFixed(0)} s per million`,
  );
  return {
    ...figures,
    fullS: full.seconds,
    nothingS: nothing.seconds,
    branchS: branched.seconds,
    branchBytes: branched.bytes,
    targetBytes: branched.ofAll,
    oneModelS: one.seconds,
    dailyDropS: drop.seconds,
    mixedS: mixed.views,
    mixedInPlaceS: mixed.tables,
    comparisonS: compared.seconds,
    comparisonPerMillionRowsS: per,
    report: lines,
  };
}

/**
 * For how long a reader can see marts of two deployments: from the first view that is switched to the record that all are. Beside it, what it
 * would be if readers read the tables: from the first commit of a published table to the last one in the same deployment.
 */
async function mixedWindows({ publishes }: DeployReport): Promise<{ views: number; tables: number; marts: number }> {
  const switched = publishes.filter(({ what }) => what === 'switch');
  const log = (await readFile(rehearsalPlaces(paths).statementsLog, 'utf8')).trim().split('\n');
  const statements = log.map((line) => statementSchema.parse(JSON.parse(line)));
  const audited = statements.findLastIndex(({ statement }) => /^insert into .*'audited'/s.test(statement));
  const last = statements.slice(audited + 1);
  const first = last.find(({ statement }) => statement.startsWith('alter view'));
  const end = last.find(({ statement }) => /^insert into .*'finished'/s.test(statement));
  const target = await remoteTarget('rehearsal', paths, effects);
  const connection = await connectTarget(target, effects);
  try {
    const commits: number[] = [];
    for (const { of } of switched) {
      const [latest] = await history({ connection, catalog: target.catalog }, of, 1);
      commits.push(Date.parse(`${latest?.timestamp.replace(' ', 'T')}Z`));
    }
    const seconds = (from: number, to: number): number => (to - from) / 1000;
    return {
      views: seconds(Date.parse(first?.at ?? ''), Date.parse(end?.at ?? '')),
      tables: seconds(Math.min(...commits), Math.max(...commits)),
      marts: switched.length,
    };
  } finally {
    await connection.close();
  }
}

const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(2)} MB`;

try {
  await copyProject(project);
  await generate({ out: drops, scale: Number(values.scale), seed: 1, days: 1 }, effects);
  await addDrops((name) => !isDrop(name));
  const local = await dev({ paths, maxRejected: 0.5, fullRefresh: false, summarizes: false }, effects);
  if (local.exitCode !== 0) throw new Error('The local build failed.');
  const { report, ...figures } = await measure();
  console.log(values.json ? JSON.stringify(figures) : report.join('\n'));
} finally {
  await rehearsal({ paths, action: 'down' }, effects);
  await rm(folder, { recursive: true, force: true });
}
