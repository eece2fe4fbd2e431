import { existsSync } from 'node:fs';
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
import { localBatches, newBatches, remoteBatches } from '../../cli/src/deploy/raw/batches.ts';
import { exportBatches } from '../../cli/src/deploy/raw/export.ts';
import { appendStatement, uploadFile } from '../../cli/src/deploy/raw/land.ts';
import { history } from '../../cli/src/deploy/relations.ts';
import { readRawTables } from '../../cli/src/ingest/raw-tables.ts';
import { rehearsalPlaces } from '../../cli/src/rehearsal/places.ts';
import { connectTarget, remoteTarget } from '../../cli/src/targets/target.ts';
import { openPublished } from '../../cli/src/warehouse/duckdb.ts';
import { startDbt } from '../../cli/test/deploy/dbt-run.ts';
import { copyProject } from '../../cli/test/support/project-copy.ts';
import { type Received, statementsIn, statementTable } from './statements.ts';

/**
 * Measures deployments of this project to the rehearsal: of everything, of nothing, of one changed model and its branch, of a daily drop,
 * for how long readers can see marts of two deployments, and a run of the job with one drop. Also measures
 * how many bytes are uploaded for the raw JSON, and how long it takes to compare all public marts, and counts the statements of each of
 * these by purpose. Everything happens in one run, on one copy of the project. Ratios are relative to the deployment of everything.
 *
 *     npx tsx bench/deploy/run.ts --scale 0.02           # ten minutes on two idle cores
 *     npx tsx bench/deploy/run.ts --scale 1 --only bytes # only the bytes, without Spark
 *     npx tsx bench/deploy/run.ts --only changes         # neither the daily drop nor the job, which take longest
 *     npx tsx bench/deploy/run.ts --folder /tmp/bench    # keeps everything there; run again, it begins with what is deployed there
 */
const { values } = parseArgs({
  options: {
    scale: { type: 'string', default: '0.02' },
    only: { type: 'string' },
    folder: { type: 'string' },
    json: { type: 'boolean' },
  },
});
const folder = values.folder ?? (await mkdtemp(join(tmpdir(), 'meetup-bench-deploy-')));
const isContinued = existsSync(join(folder, 'everything.json'));
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

/** The statements of each step, in order. */
const sent = new Map<string, readonly Received[]>();

/** Measures a step on the rehearsal, and keeps its statements. */
async function timed<T>(step: string, work: () => Promise<T>): Promise<{ seconds: number; result: T }> {
  const log = rehearsalPlaces(paths).statementsLog;
  const before = (await statementsIn(log)).length;
  const started = performance.now();
  const result = await work();
  const seconds = (performance.now() - started) / 1000;
  sent.set(step, (await statementsIn(log)).slice(before));
  if (!values.json) console.error(`${step}: ${seconds.toFixed(1)} s`);
  return { seconds, result };
}

async function deployed(
  step: string,
  expected: DeployReport['status'],
): Promise<{ seconds: number; result: DeployReport }> {
  const done = await timed(
    step,
    async () => (await deploy({ paths, target: 'rehearsal', maxRejected: 0.5, yes: true }, effects)).report,
  );
  if (done.result.status === expected) return done;
  throw new Error(`expected ${expected}, got ${done.result.status}: ${done.result.reason ?? ''}`);
}

/** Changes a mart that nothing depends on, without changing its rows. */
async function changeOneModel(): Promise<void> {
  const file = join(paths.dbtProject, 'models/marts/organisers/time_slots.sql');
  const sql = (await readFile(file, 'utf8')).trimEnd();
  await writeFile(file, `${sql}\n${sql.endsWith(' 1 = 1') ? 'and 1 = 1' : 'where 1 = 1'}\n`);
}

/** Changes all marts of a folder without changing their rows. */
async function changeMarts(folderOfMarts: string): Promise<void> {
  const place = join(paths.dbtProject, 'models/marts', folderOfMarts);
  for (const name of (await readdir(place)).filter((file) => file.endsWith('.sql'))) {
    const sql = (await readFile(join(place, name), 'utf8')).trimEnd();
    await writeFile(join(place, name), `select * from (\n${sql}\n) as same_rows\n`);
  }
}

/** Deploys everything, or finds how long it took when this folder was first used. */
async function everything(): Promise<{ seconds: number; nodes: number }> {
  const file = join(folder, 'everything.json');
  const known = z.object({ seconds: z.number(), nodes: z.number() });
  if (isContinued) return known.parse(JSON.parse(await readFile(file, 'utf8')));
  const { seconds, result } = await deployed('everything', 'deployed');
  const found = { seconds, nodes: result.nodes?.length ?? 0 };
  await writeFile(file, JSON.stringify(found));
  return found;
}

/** A run of the bundle's job, dbt itself with its hooks, once the rows of one drop have arrived in the raw tables. */
async function jobWithOneDrop(): Promise<{ seconds: number; result: string }> {
  const target = await remoteTarget('rehearsal', paths, effects);
  const connection = await connectTarget(target, effects);
  const local = await openPublished(paths);
  try {
    const remote = { connection, catalog: target.catalog };
    const rawTables = await readRawTables(paths.schemas);
    const batches = newBatches(await localBatches(local), await remoteBatches(remote), target.name);
    for (const upload of await exportBatches(local, batches, join(folder, 'landing'), rawTables)) {
      await uploadFile(remote, upload);
      await connection.run(appendStatement(remote, upload, rawTables));
    }
  } finally {
    await local.close();
    await connection.close();
  }
  return timed('a job run with one drop', async () => {
    const run = await startDbt(paths, effects, ['build', '--exclude-resource-type', 'unit_test'], {
      meetup_job: 'bench',
      meetup_job_run: '1',
    });
    const { exitCode, output } = await run.ended;
    if (exitCode !== 0) throw new Error(`the job failed:\n${output.slice(-2000)}`);
    return output;
  });
}

const named = { paths, target: 'rehearsal', name: 'bench' } as const;

/** Builds what differs as a branch, and compares its public models with what readers see. */
async function branchOf(): Promise<{ seconds: number; bytes: number; ofAll: number }> {
  const ofAll = await bytesIn(rehearsalPlaces(paths).warehouse);
  const { seconds, result } = await timed('a branch of one changed mart', () => branch(named, effects));
  if (result.exitCode !== 0) throw new Error(`the branch is ${result.report.status}`);
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
  const full = await everything();
  const row = (what: string, seconds: number, note = ''): void => {
    lines.push(
      `${what.padEnd(38)} ${seconds.toFixed(1).padStart(7)} s  ${(full.seconds / seconds).toFixed(1)} times as fast as all  ${note}`,
    );
  };
  lines.push(
    `${'everything'.padEnd(38)} ${full.seconds.toFixed(1).padStart(7)} s  ${full.nodes} models, snapshots and tests`,
  );
  const nothing = await deployed('nothing to do', 'unchanged');
  row('nothing to do', nothing.seconds, `${nothing.result.uploadedBytes} bytes`);
  await changeOneModel();
  const branched = await branchOf();
  row(
    'a branch of one changed mart',
    branched.seconds,
    `(goal: 10); ${branched.bytes} bytes, ${((branched.bytes / branched.ofAll) * 100).toFixed(2)} % of the target (goal: 1 %)`,
  );
  await dropBranch(named, effects);
  const one = await deployed('one changed mart', 'deployed');
  row('one changed mart', one.seconds, `${one.result.nodes?.length} models and tests`);
  await changeOneModel();
  await branchOf();
  const taken = await deployed('one changed mart that a branch has built', 'deployed');
  await dropBranch(named, effects);
  const from = taken.result.models.flatMap((model) => model.branch ?? []);
  row('one changed mart, built by a branch', taken.seconds, `${from.length} model taken from it`);
  await changeMarts('sponsors');
  const several = await deployed('the marts of one audience', 'deployed');
  row('the marts of one audience', several.seconds, `${several.result.nodes?.length} models and tests`);
  const mixed = await mixedWindows(several.result);
  lines.push(`${'marts of two deployments side by side'.padEnd(38)} ${windowsInWords(mixed)}`);
  const measured = {
    ...figures,
    fullS: full.seconds,
    nothingS: nothing.seconds,
    branchS: branched.seconds,
    branchBytes: branched.bytes,
    targetBytes: branched.ofAll,
    oneModelS: one.seconds,
    takenS: taken.seconds,
    severalS: several.seconds,
    mixedS: mixed.views,
    mixedInPlaceS: mixed.tables,
  };
  if (values.only === 'changes') return { ...measured, report: lines };
  const [first, second] = (await readdir(drops)).filter(isDrop).sort();
  await addDrops((name) => name === first);
  const drop = await deployed('a daily drop', 'deployed');
  row(
    'a daily drop',
    drop.seconds,
    `${drop.result.uploadedBytes} bytes, ${drop.result.nodes?.length} models and tests`,
  );
  const mixedOfDrop = await mixedWindows(drop.result);
  lines.push(`${'the same, of a daily drop'.padEnd(38)} ${windowsInWords(mixedOfDrop)}`);
  const compared = await timed('`diff`', () => diff({ paths, from: 'dev', to: 'rehearsal', samples: 1 }, effects));
  const rows = compared.result.report.marts.reduce((sum, mart) => sum + mart.rows.to, 0);
  const per = (compared.seconds / rows) * 1_000_000;
  lines.push(
    `${'comparison of all public marts'.padEnd(38)} ${compared.seconds.toFixed(1).padStart(7)} s  ${rows} rows, ${per.toFixed(0)} s per million`,
  );
  await addDrops((name) => name === second);
  await buildHere();
  const job = await jobWithOneDrop();
  row(
    'a job run with one drop',
    job.seconds,
    '(`dbt build` with its hooks, importing dbt and reading the project included)',
  );
  return {
    ...measured,
    jobS: job.seconds,
    dailyDropS: drop.seconds,
    mixedOfDropS: mixedOfDrop.views,
    mixedOfDropInPlaceS: mixedOfDrop.tables,
    comparisonS: compared.seconds,
    comparisonPerMillionRowsS: per,
    report: lines,
  };
}

const windowsInWords = ({ views, tables, marts }: Awaited<ReturnType<typeof mixedWindows>>): string =>
  `${views.toFixed(1).padStart(7)} s  ${marts} views; ${tables.toFixed(1)} s between their tables' commits, ${(tables / views).toFixed(0)} times as long  (goal: 20)`;

/**
 * For how long a reader can see marts of two deployments: from the first view that is switched to the record that all are. Beside it, what it
 * would be if readers read the tables: from the first commit of a published table to the last one in the same deployment.
 */
async function mixedWindows({ publishes }: DeployReport): Promise<{ views: number; tables: number; marts: number }> {
  const switched = publishes.filter(({ what }) => what === 'switch');
  const statements = await statementsIn(rehearsalPlaces(paths).statementsLog);
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

async function buildHere(): Promise<void> {
  const local = await dev({ paths, maxRejected: 0.5, fullRefresh: false, summarizes: false }, effects);
  if (local.exitCode !== 0) throw new Error('The local build failed.');
}

try {
  if (!isContinued) {
    await copyProject(project);
    await generate({ out: drops, scale: Number(values.scale), seed: 1, days: 2 }, effects);
    await addDrops((name) => !isDrop(name));
  }
  await buildHere();
  const { report, ...figures } = await measure();
  console.log(values.json ? JSON.stringify(figures) : [...report, '', statementTable(sent)].join('\n'));
} finally {
  await rehearsal({ paths, action: 'down' }, effects);
  if (values.folder === undefined) await rm(folder, { recursive: true, force: true });
}
