import { existsSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { isAbsolute, join, relative } from 'node:path';
import { type Base, resolveBase } from '../ci/base.ts';
import { BaseCheckout } from '../ci/base-project.ts';
import { checkConventions } from '../ci/checks/check.ts';
import { compareContracts } from '../ci/contracts.ts';
import { measureFreshness } from '../ci/freshness.ts';
import { hasLintRules, lintModels } from '../ci/lint.ts';
import { renderCiMarkdown } from '../ci/markdown.ts';
import { type PartName, readParts } from '../ci/parts.ts';
import { publicText } from '../ci/public-text.ts';
import type { BranchPart, BuildPart, CiPart, CiReport, TestsPart } from '../ci/report.ts';
import { type SlimOutcome, slimBuild } from '../ci/slim-build.ts';
import { requireWritable, writeAtomically } from '../config/atomic-file.ts';
import { broughtToEnd, type Effects } from '../config/effects.ts';
import { InterruptedError, MeetupError } from '../config/errors.ts';
import { sentenceOf } from '../config/explain.ts';
import type { Paths } from '../config/paths.ts';
import type { CommandResult } from '../config/result.ts';
import { newDeploymentId } from '../deploy/context.ts';
import { EngineClient } from '../engine/client.ts';
import { isTest, verdictOf } from '../engine/results.ts';
import { readContracts } from '../ingest/schemas.ts';
import { readCredentials } from '../targets/credentials.ts';
import type { RemoteName } from '../targets/target.ts';
import { hasTests, type TestPart } from '../unit-tests/parts.ts';
import { run as branch, drop as dropBranch } from './branch.ts';
import { run as dev } from './dev.ts';
import { run as test } from './test.ts';

export interface CiOptions {
  readonly paths: Paths;
  /** A git ref, or `none` to build everything; origin/main or main by default. */
  readonly base?: string | undefined;
  /** Names of parts, separated by commas; all by default. */
  readonly only?: string | undefined;
  /** Why breaks of public models are right this time; without it, they fail. */
  readonly acceptBreak?: string | undefined;
  /** The target to build a branch of the change on; by default that of `branch` in meetup.yml, if there are credentials. */
  readonly target?: RemoteName | undefined;
  /** An absolute path; `ci-summary.md` in the state folder by default. */
  readonly summary?: string | undefined;
}

/**
 * Runs the checks of a change: fixtures, scenarios, lint, conventions, contracts of public models, a build of what differs from the base, and the
 * age of the sources' data. Every part runs, even if earlier ones failed; a Markdown summary reports all of them.
 * @throws MeetupError for options that make no sense; InterruptedError when the signal is aborted.
 */
export async function run(options: CiOptions, effects: Effects): Promise<CommandResult<CiReport>> {
  const started = effects.clock.elapsed();
  const { paths } = options;
  const wanted = readParts(options.only, branchTarget(options) !== undefined);
  const summary = options.summary ?? join(paths.state, 'ci-summary.md');
  await requireWritable(summary, '--summary');
  const compares = wanted.includes('build') || wanted.includes('contracts');
  const base: Base = compares
    ? await resolveBase(paths.root, options.base)
    : { kind: 'none', reason: 'nothing is compared' };
  await fillSources(paths, effects);
  const parts = await runParts(wanted, options, base, effects);
  const status = parts.every((part) => part.status !== 'fail') ? 'pass' : 'fail';
  const inside = relative(paths.root, summary);
  const shown = inside.startsWith('..') || isAbsolute(inside) ? summary : inside;
  const report: CiReport = { status, parts, summary: shown, ms: effects.clock.elapsed() - started };
  await writeSummary(publicText(renderCiMarkdown(report), paths, effects.env), summary, effects);
  return { exitCode: status === 'pass' ? 0 : 1, report };
}

/**
 * A project without JSON Schemas fills its sources itself, in hooks and seeds. Unit tests need their columns, so it is built
 * once; what fails is reported by the parts.
 */
async function fillSources(paths: Paths, effects: Effects): Promise<void> {
  if (existsSync(paths.database) || (await readContracts(paths.schemas)).size > 0) return;
  effects.reporter.note('── first build');
  const options = { paths, maxRejected: 0, fullRefresh: false, generates: false, summarizes: false };
  await dev(options, effects).catch((error: unknown) => {
    if (!(error instanceof MeetupError)) throw error;
  });
}

/** What the parts share. The engine starts, and the base is checked out, when one of them needs it. */
interface Shared {
  readonly base: Base;
  readonly engine: EngineClient;
  readonly checkout: BaseCheckout;
}

async function runParts(
  wanted: readonly PartName[],
  options: CiOptions,
  base: Base,
  effects: Effects,
): Promise<CiPart[]> {
  const { paths } = options;
  const shared = { base, engine: new EngineClient(paths, effects), checkout: new BaseCheckout(paths) };
  const parts: CiPart[] = [];
  try {
    for (const name of wanted) {
      effects.reporter.note(`── ${name}`);
      parts.push(await runPart(name, options, shared, effects));
    }
  } finally {
    await shared.engine.close();
    await shared.checkout.remove();
  }
  return parts;
}

async function runPart(name: PartName, options: CiOptions, shared: Shared, effects: Effects): Promise<CiPart> {
  const started = effects.clock.elapsed();
  const ms = (): number => Math.round(effects.clock.elapsed() - started);
  try {
    const part = await work[name](options, shared, effects);
    return { ...part, ms: ms() };
  } catch (error) {
    if (error instanceof InterruptedError || effects.signal.aborted) throw error;
    return { ...nothing(name, shared.base), status: 'fail', ms: ms(), message: sentenceOf(error) };
  }
}

type Work = (options: CiOptions, shared: Shared, effects: Effects) => Promise<CiPart>;

const work: Readonly<Record<PartName, Work>> = {
  fixtures: ({ paths }, _shared, effects) => testsPart('fixtures', paths, effects),
  scenarios: ({ paths }, _shared, effects) => testsPart('scenarios', paths, effects),
  lint: async ({ paths }, { base }, effects) => {
    if (!(await hasLintRules(paths))) {
      return { ...nothing('lint', base), status: 'skip', message: 'there are no settings for sqlfluff' };
    }
    const { files, violations } = await lintModels(paths, effects);
    return { name: 'lint', status: violations.length === 0 ? 'pass' : 'fail', ms: 0, files, violations };
  },
  checks: async ({ paths }, { engine }) => {
    const { models, findings } = await checkConventions(engine, paths);
    const status = findings.some(({ severity }) => severity === 'error') ? 'fail' : 'pass';
    return { name: 'checks', status, ms: 0, models, findings };
  },
  contracts: async ({ paths, acceptBreak: accepted }, { base, engine, checkout }) => {
    const { breaks, altered, skipped } = await compareContracts(engine, paths, base, checkout);
    if (skipped !== undefined) return { ...nothing('contracts', base), status: 'skip', message: skipped };
    const passes = breaks.length === 0 || accepted !== undefined;
    const reason = breaks.length > 0 && accepted !== undefined ? { accepted } : {};
    return { name: 'contracts', status: passes ? 'pass' : 'fail', ms: 0, base, breaks, altered, ...reason };
  },
  build: async ({ paths }, { base, engine, checkout }, effects) =>
    buildPart(base, await slimBuild(engine, paths, base, checkout, effects)),
  branch: (options, { base }, effects) => branchPart(options, base, effects),
  freshness: async ({ paths }, { base, engine }, effects) => {
    const { sources, skipped } = await measureFreshness(engine, paths, effects);
    if (skipped !== undefined) return { ...nothing('freshness', base), status: 'skip', message: skipped };
    const isUnreadable = sources.some(({ status }) => status === 'runtime error');
    return { name: 'freshness', status: isUnreadable ? 'fail' : 'pass', ms: 0, sources };
  },
};

async function testsPart(name: TestPart, paths: Paths, effects: Effects): Promise<TestsPart> {
  const base = { name, ms: 0, passed: 0, failed: 0, failures: [] };
  if (!(await hasTests(name, paths, effects))) return { ...base, status: 'skip', message: `there are no ${name}` };
  const { report } = await test({ paths, all: false, only: name }, effects);
  const failures = report.tests.filter(({ status }) => status === 'fail');
  const passed = report.tests.filter(({ status }) => status === 'pass').length;
  return { ...base, status: report.status, passed, failed: failures.length, failures };
}

const branchTarget = ({ target, paths }: CiOptions): RemoteName | undefined => target ?? paths.settings.branch?.target;

/** Days: a branch that could not be taken away, because the process was killed, is dropped after that. */
const BRANCH_DAYS = 1;

/** Builds the change as a branch on the target, says what the numbers do, and takes the branch away. */
async function branchPart(options: CiOptions, base: Base, effects: Effects): Promise<CiPart> {
  const { paths, target: given } = options;
  const target = branchTarget(options);
  const skipped = (message: string): CiPart => ({ ...nothing('branch', base), status: 'skip', message });
  if (target === undefined) return skipped('no target is given');
  if (target === 'prod') {
    const problem = await readCredentials(effects.env).then(
      () => undefined,
      (error: unknown) => error,
    );
    // Pull requests of strangers have no credentials.
    if (problem !== undefined && given === undefined) return skipped(`there are no credentials for ${target}`);
    if (problem !== undefined) throw problem;
  }
  const name = `ci_${newDeploymentId(effects).replaceAll('-', '_')}`;
  try {
    const { report } = await branch({ paths, target, name, days: BRANCH_DAYS }, effects);
    const passes = report.status === 'built' || report.status === 'unchanged';
    return { name: 'branch', status: passes ? 'pass' : 'fail', ms: 0, branch: report } satisfies BranchPart;
  } finally {
    await broughtToEnd(effects, takeAway({ paths, target, name }, effects));
  }
}

/** Also after Ctrl-C. */
async function takeAway(
  which: { readonly paths: Paths; readonly target: RemoteName; readonly name: string },
  effects: Effects,
): Promise<void> {
  effects.reporter.progress(`dropping the branch ${which.name}`);
  try {
    await dropBranch({ ...which, ifExists: true }, { ...effects, signal: new AbortController().signal });
  } catch (error) {
    effects.reporter.warn(`${sentenceOf(error)} If the branch ${which.name} exists, it is dropped after a day.`);
  }
}

function buildPart(base: Base, outcome: SlimOutcome): BuildPart {
  const { plan, nodes, everything, problems, stillFailing, status } = outcome;
  const models = nodes.filter((node) => !isTest(node) && node.status !== 'no-op');
  const changed = new Set(plan.changed.map(({ uniqueId }) => uniqueId));
  const ran = new Set(models.map(({ uniqueId }) => uniqueId));
  return {
    name: 'build',
    status,
    ms: 0,
    base,
    ...(everything === undefined ? {} : { everything }),
    changed: plan.changed,
    removed: plan.removed,
    models: models.map(verdictOf),
    tests: nodes.filter(isTest).map(verdictOf),
    alsoBuilt: models.filter(({ uniqueId }) => !changed.has(uniqueId)).map(({ name }) => name),
    leftAlone: [...plan.needed, ...plan.others].filter(({ uniqueId }) => !ran.has(uniqueId)).map(({ name }) => name),
    problems,
    stillFailing,
  };
}

/** The result of a part that could not run. */
function nothing(name: PartName, base: Base): CiPart {
  const part = { status: 'fail', ms: 0 } as const;
  if (name === 'lint') return { ...part, name, files: 0, violations: [] };
  if (name === 'checks') return { ...part, name, models: 0, findings: [] };
  if (name === 'contracts') return { ...part, name, base, breaks: [], altered: [] };
  if (name === 'freshness') return { ...part, name, sources: [] };
  if (name === 'branch') return { ...part, name };
  if (name !== 'build') return { ...part, name, passed: 0, failed: 0, failures: [] };
  const none = { changed: [], removed: [], models: [], tests: [], alsoBuilt: [], leftAlone: [] };
  return { ...part, ...none, name, base, problems: [], stillFailing: [] };
}

async function writeSummary(markdown: string, file: string, effects: Effects): Promise<void> {
  await writeAtomically(file, markdown);
  // GitHub shows the content of this file on the page of the run.
  if (effects.env.GITHUB_STEP_SUMMARY) await appendFile(effects.env.GITHUB_STEP_SUMMARY, markdown);
}
