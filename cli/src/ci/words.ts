import { exceededSentence } from '../branches/changes/words.ts';
import { breakSentence, breakTitle } from '../text/contract-break.ts';
import { type Style, styleFor } from '../text/style.ts';
import { plural } from '../text/text.ts';
import { renderProblem, renderVerdict } from '../text/verdict.ts';
import type { Finding } from './checks/check.ts';
import { freshnessCounts, staleSources, unreadableSources } from './freshness-words.ts';
import type { BranchPart, BuildPart, ChecksPart, CiFailure, CiPart, ContractsPart } from './report.ts';

const BREAK_ADVICE = 'Keep it, make a new version of the model, or pass --accept-break with the reason.';

/** A part's counts, in a few words. */
export function ciCounts(part: CiPart): string {
  if (part.status === 'skip') return part.message ?? '';
  if (part.name === 'lint') {
    return part.files === 0 ? '' : `${plural(part.files, 'file')}, ${plural(part.violations.length, 'violation')}`;
  }
  if (part.name === 'checks') return checksCounts(part);
  if (part.name === 'contracts') return contractsCounts(part);
  if (part.name === 'build') return buildCounts(part);
  if (part.name === 'branch') return branchCounts(part);
  if (part.name === 'freshness') return freshnessCounts(part);
  return part.passed + part.failed === 0 ? '' : `${part.passed} passed, ${part.failed} failed`;
}

function checksCounts({ models, findings, message }: ChecksPart): string {
  if (message !== undefined) return '';
  const { errors, warnings } = bySeverity(findings);
  return [plural(models, 'model'), plural(errors.length, 'error'), plural(warnings.length, 'warning')].join(', ');
}

const bySeverity = (findings: readonly Finding[]) => ({
  errors: findings.filter(({ severity }) => severity === 'error'),
  warnings: findings.filter(({ severity }) => severity === 'warn'),
});

/** A finding as one line. */
const findingLine = ({ file, line, rule, name, column, message }: Finding): string =>
  `${file}:${line}  ${rule}  ${column === undefined ? name : `${name}.${column}`} ${message}`;

/** What a part warns of, which fails nothing: one line each. */
export function ciWarnings(part: CiPart): string[] {
  if (part.name === 'contracts' && part.accepted !== undefined) return part.breaks.map(breakTitle);
  if (part.name === 'freshness') return staleSources(part.sources);
  return part.name === 'checks' ? bySeverity(part.findings).warnings.map(findingLine) : [];
}

function contractsCounts({ breaks, altered, accepted, message }: ContractsPart): string {
  if (message !== undefined) return '';
  return [
    `${plural(breaks.length, 'break')} of public models${accepted === undefined ? '' : ` accepted (${accepted})`}`,
    `${plural(altered.length, 'public model')} can have other values`,
  ].join(', ');
}

function buildCounts({ changed, models, tests, message }: BuildPart): string {
  if (message !== undefined) return '';
  if (models.length + tests.length === 0) return 'nothing changed, nothing to build';
  const of = (nodes: BuildPart['models'], status: string): number =>
    nodes.filter((node) => node.status === status).length;
  const bad = of(models, 'fail') + of(tests, 'fail');
  const skipped = of(models, 'skip') + of(tests, 'skip');
  return [
    `${changed.length} changed`,
    `${plural(of(models, 'pass'), 'model')} built`,
    `${plural(of(tests, 'pass') + of(tests, 'warn'), 'test')} passed`,
    ...(bad > 0 ? [`${bad} failed`] : []),
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
  ].join(', ');
}

function branchCounts({ branch }: BranchPart): string {
  if (branch === undefined) return '';
  const { models, changes, target } = branch;
  if (models.length === 0) return `nothing differs from what is deployed to ${target}`;
  const different = changes.marts.filter(({ status }) => status !== 'same').length;
  return [
    `${plural(models.length, 'relation')} on ${target}`,
    `${different} of ${plural(changes.marts.length, 'public model')} with other rows`,
    ...(changes.exceeded.length > 0 ? [`${plural(changes.exceeded.length, 'limit')} exceeded`] : []),
  ].join(', ');
}

/** The base that the project was compared with. */
export function ciBase({ base, everything, changed }: BuildPart): string {
  if (everything !== undefined) return `Everything was built: ${everything}.`;
  if (base.kind === 'none') return `Everything counts as changed: ${base.reason}.`;
  const place = `${base.ref} (${base.commit.slice(0, 10)})`;
  return changed.length === 0 ? `No model differs from ${place}.` : `Compared with ${place}:`;
}

/** All failures of a part; plain text unless `style` says otherwise. */
export function ciFailures(part: CiPart, style: Style = styleFor({}, {})): CiFailure[] {
  const own = part.message === undefined || part.status !== 'fail' ? [] : [{ title: part.name, text: part.message }];
  if (part.name === 'lint') {
    const lines = part.violations.map(({ file, line, code, message }) => `${file}:${line}  ${code}  ${message}`);
    return lines.length === 0 ? own : [...own, { title: plural(lines.length, 'violation'), text: lines.join('\n') }];
  }
  if (part.name === 'checks') {
    const lines = bySeverity(part.findings).errors.map(findingLine);
    return lines.length === 0 ? own : [...own, { title: plural(lines.length, 'error'), text: lines.join('\n') }];
  }
  if (part.name === 'contracts') {
    const failing = part.status === 'fail' ? part.breaks : [];
    return [
      ...own,
      ...failing.map((one) => ({ title: breakTitle(one), text: `${breakSentence(one)}\n${BREAK_ADVICE}` })),
    ];
  }
  if (part.name === 'freshness') return [...own, ...unreadableSources(part.sources)];
  if (part.name === 'branch') return [...own, ...branchFailures(part, style)];
  if (part.name !== 'build') {
    return [
      ...own,
      ...part.failures.map(({ name, message }) => ({
        title: name.replace(/^.* > /, ''),
        text: withoutStack(message ?? ''),
      })),
    ];
  }
  const bad = [...part.models, ...part.tests].filter(({ status }) => status === 'fail' || status === 'skip');
  return [
    ...own,
    ...part.problems.map((problem) => ({
      title: "The dbt project can't be read",
      text: renderProblem("The dbt project can't be read", problem, style),
    })),
    ...bad
      .filter(({ status }) => status === 'fail')
      .map((node) => ({ title: node.name, text: renderVerdict(node, style) })),
    ...(bad.some(({ status }) => status === 'skip') ? [skipped(bad)] : []),
    ...part.stillFailing.map((name) => ({
      title: name,
      text: 'It has been failing since an earlier build, and none of its inputs has changed.',
    })),
  ];
}

function branchFailures({ branch }: BranchPart, style: Style): CiFailure[] {
  if (branch === undefined) return [];
  const exceeded = branch.changes.exceeded.map(exceededSentence);
  return [
    ...branch.problems.map((problem) => ({ title: 'dbt', text: renderProblem('dbt', problem, style) })),
    ...branch.nodes
      .filter(({ status }) => status === 'fail')
      .map((node) => ({ title: node.name, text: renderVerdict(node, style) })),
    ...(exceeded.length === 0 ? [] : [{ title: plural(exceeded.length, 'limit'), text: exceeded.join('\n') }]),
  ];
}

function skipped(nodes: BuildPart['models']): CiFailure {
  const names = nodes.filter(({ status }) => status === 'skip').map(({ name }) => name);
  return { title: `${names.length} skipped because an upstream model failed`, text: names.join('\n') };
}

/** vitest reports the error with its stack; the fixture's file and line are in the message. */
function withoutStack(message: string): string {
  return message
    .split('\n')
    .filter((line) => !/^\s+at .+:\d+(:\d+)?\)?$/.test(line))
    .join('\n')
    .replace(/^(\w*Error): /, '');
}
