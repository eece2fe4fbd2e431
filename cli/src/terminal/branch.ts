import { exampleRows } from '../branches/changes/markdown.ts';
import type { MartChange } from '../branches/changes/mart-change.ts';
import { changeInWords, exceededSentence, NO_KEY, valuesInWords } from '../branches/changes/words.ts';
import type { BranchReport } from '../branches/report.ts';
import type { BranchDropReport, BranchListReport } from '../commands/branch.ts';
import type { Style } from '../text/style.ts';
import { renderTable } from '../text/table.ts';
import { formatBytes, formatDuration, plural } from '../text/text.ts';
import { renderProblem, renderVerdict } from '../text/verdict.ts';

/** What a branch holds, what failed, and how long it lives. */
export function renderBranch(report: BranchReport, style: Style): string {
  const { name, target, models, pinned, removed, nodes, problems, expired } = report;
  const failed = nodes.filter(({ status }) => status === 'fail' || status === 'warn');
  return [
    ...(expired.length === 0 ? [] : [`Dropped ${expired.join(', ')}, whose time was over.`]),
    ...(models.length === 0 ? [] : [modelTable(report, style)]),
    ...pinned.map(
      ({ relation, version, newer }) =>
        `${relation} is read as of the last deployment (version ${version}), because it has changed since: ${newer}.`,
    ),
    ...(removed.length === 0 ? [] : [`No longer in the project: ${removed.join(', ')}.`]),
    ...problems.map((problem) => renderProblem('the dbt project', problem, style)),
    ...failed.map((verdict) => renderVerdict(verdict, style)),
    ...renderChanges(report, style),
    `${headline(report, style)} ${style.dim(`in ${formatDuration(report.ms)}`)}`,
    style.dim(
      `./meetup branch ${name} --target ${target} --drop drops it; otherwise it is dropped after ${report.expiresAt.slice(0, 10)}.`,
    ),
  ].join('\n\n');
}

function headline({ status, name, target, models, nodes, bytes }: BranchReport, style: Style): string {
  const tests = nodes.filter(({ kind }) => kind === 'test').length;
  const what = `${plural(models.length, 'relation')}, ${formatBytes(bytes)} of its own`;
  if (status === 'unchanged') return style.good(`The branch ${name} on ${target} is up to date: ${what}.`);
  if (status === 'exceeded') return style.bad(`The branch ${name} on ${target} changes more than meetup.yml allows.`);
  if (status === 'failed') return style.bad(`The branch ${name} on ${target} has failures: ${what}.`);
  if (models.length === 0) return style.good(`Nothing differs from what is deployed to ${target}.`);
  return style.good(`The branch ${name} on ${target} is built: ${what}, ${plural(tests, 'data test')} passed.`);
}

/** A line per public model, then how each that differs does. */
function renderChanges({ changes: { marts, exceeded } }: BranchReport, style: Style): string[] {
  if (marts.length === 0) return [];
  const overview = renderTable(
    [
      { name: 'public model' },
      { name: 'rows now', align: 'right' },
      { name: 'in the branch', align: 'right' },
      { name: 'what differs' },
    ],
    marts.map((mart) => [mart.name, mart.rows.before, mart.rows.after, changeInWords(mart)]),
    style,
  );
  return [
    overview,
    ...marts.filter(({ status }) => status === 'changed').map((mart) => renderMart(mart, style)),
    ...exceeded.map((one) => style.bad(`✗ ${exceededSentence(one)}`)),
  ];
}

function renderMart(mart: MartChange, style: Style): string {
  const heads = [{ name: 'row' }, { name: 'column' }, { name: 'now' }, { name: 'in the branch' }];
  const rows = mart.examples.flatMap(exampleRows);
  return [
    style.bold(mart.name),
    ...(mart.drift === undefined ? [] : [`  somebody else changed it since it was deployed: ${mart.drift}`]),
    ...(mart.key.length > 0 ? [] : [`  ${NO_KEY}`]),
    ...mart.columns.map(
      ({ column, from, to }) => `  column ${column}: ${from ?? 'missing'} now, ${to ?? 'missing'} in the branch`,
    ),
    ...mart.values.map((one) => {
      const words = [...(one.differing === null ? [] : [differing(one.differing)]), ...valuesInWords(one)];
      return `  ${one.column}: ${words.join('; ')}`;
    }),
    ...(rows.length === 0 ? [] : [renderTable(heads, rows, style)]),
  ].join('\n');
}

const differing = (count: number): string => `${plural(count, 'value')} ${count === 1 ? 'differs' : 'differ'}`;

const modelTable = ({ models }: BranchReport, style: Style): string =>
  renderTable(
    [{ name: 'relation' }, { name: 'build' }, { name: 'begins with' }, { name: 'why' }],
    models.map(({ place, status, begins, reason }) => [
      place,
      status,
      begins === 'clone' ? 'a shallow clone' : 'nothing',
      reason,
    ]),
    style,
  );

/** The branches of a target. */
export function renderBranches({ branches, target }: BranchListReport, style: Style): string {
  if (branches.length === 0) return `There is no branch on ${target}.`;
  return renderTable(
    [
      { name: 'branch' },
      { name: 'state' },
      { name: 'who' },
      { name: 'commit' },
      { name: 'relations', align: 'right' },
      { name: 'own size', align: 'right' },
      { name: 'age', align: 'right' },
      { name: 'until' },
    ],
    branches.map((branch) => [
      branch.name,
      branch.expired ? 'expired' : branch.status,
      branch.who,
      `${branch.commit?.slice(0, 10) ?? 'none'}${branch.dirty ? ', changed' : ''}`,
      Object.keys(branch.relations).length,
      branch.bytes === null ? '' : formatBytes(branch.bytes),
      ageInWords(branch.ageMs),
      branch.expiresAt.slice(0, 10),
    ]),
    style,
  );
}

function ageInWords(ms: number): string {
  const hours = ms / 3_600_000;
  return hours < 48 ? formatDuration(ms) : plural(Math.floor(hours / 24), 'day');
}

/** What was dropped. */
export const renderDropped = ({ dropped, target, schemas }: BranchDropReport): string =>
  `Dropped the branch ${dropped} from ${target} (${schemas.join(', ')}).`;
