import type { DeployReport } from '../commands/deploy.ts';
import type { RollbackReport } from '../commands/rollback.ts';
import type { ModelPlan } from '../deploy/plan/models.ts';
import type { DeployPlan } from '../deploy/plan/plan.ts';
import type { PublishStep } from '../deploy/publish/published.ts';
import type { Undone } from '../deploy/undo.ts';
import { breakSentence } from '../text/contract-break.ts';
import { firstFew } from '../text/first-few.ts';
import type { Style } from '../text/style.ts';
import { renderTable } from '../text/table.ts';
import { formatBytes, formatDuration, plural } from '../text/text.ts';
import { renderProblem, renderVerdict } from '../text/verdict.ts';

/** A plan as text: uploads, what happens to each relation and why, blockers, the hash. */
export function renderPlan(plan: DeployPlan, style: Style): string {
  if (plan.empty) return `${plan.target} is up to date: nothing to upload, no model to run.\n${hashLine(plan, style)}`;
  return [
    style.bold(`Plan for ${plan.target} (catalog ${plan.catalog}, from ${plan.base ?? 'nothing'})`),
    ...renderDrift(plan, style),
    ...renderForeign(plan, style),
    ...renderForgotten(plan, style),
    ...renderColumns(plan),
    ...renderUploads(plan, style),
    ...renderModels(plan, style),
    ...renderPublishes(plan),
    ...renderTargetOnly(plan),
    ...renderReads(plan),
    ...renderBreaks(plan, style),
    `${plural(plan.tests, 'data test')} and a comparison with the local marts decide whether the deployment is kept.`,
    hashLine(plan, style),
  ].join('\n\n');
}

const hashLine = ({ hash, commit, dirty }: DeployPlan, style: Style): string =>
  `${style.dim('plan hash')} ${hash}  ${style.dim(`commit ${commit?.slice(0, 10) ?? 'none'}${dirty ? ', with uncommitted changes' : ''}`)}`;

function renderDrift({ drift }: DeployPlan, style: Style): string[] {
  if (drift.length === 0) return [];
  const lines = drift.map(({ relation, what }) => `  ${relation}: ${what}`);
  return [[style.caution('Changed by somebody else since the last deployment:'), ...lines].join('\n')];
}

function renderForeign({ foreign }: DeployPlan, style: Style): string[] {
  if (foreign.length === 0) return [];
  const lines = foreign.map(({ relation, project }) => `  ${relation}: ${project}`);
  return [[style.caution('Made by another project, and replaced by this one only with --force:'), ...lines].join('\n')];
}

function renderForgotten({ forgets, vacuums }: DeployPlan, style: Style): string[] {
  if (!vacuums) return [];
  const rows = forgets.length === 0 ? '' : 'all raw rows are replaced, everything is built from scratch, and then ';
  return [
    style.caution(
      `Something was forgotten: ${rows}earlier versions of all tables are removed. No rollback to an earlier deployment is possible after that.`,
    ),
  ];
}

function renderColumns({ columns }: DeployPlan): string[] {
  if (columns.length === 0) return [];
  const lines = columns.map(({ table, added, retyped }) => {
    const types = retyped.map(({ name, from, to }) => `${name} becomes ${to} instead of ${from}`);
    const gains = added.length === 0 ? [] : [`${plural(added.length, 'new column')}: ${added.join(', ')}`];
    const how = types.length === 0 ? '' : ' is written anew';
    return `  raw.${table}${how}: ${[...types, ...gains].join('; ')}`;
  });
  return [['Columns of raw tables that change:', ...lines].join('\n')];
}

function renderUploads({ uploads, batches, held, landed, target }: DeployPlan, style: Style): string[] {
  if (landed !== null) {
    return [
      `Uploads nothing: files land in ${landed}, and the job on ${target} loads them. What reads them is not compared with this machine.`,
    ];
  }
  const there = held.length === 0 ? '' : `; ${plural(held.length, 'batch', 'batches')} there`;
  if (uploads.length === 0) return [`No new batch to upload${there}.`];
  const bytes = uploads.reduce((sum, upload) => sum + upload.bytes, 0);
  const rows = uploads.map((upload) => [upload.table, upload.rows, formatBytes(upload.bytes)]);
  const columns = [{ name: 'raw table' }, { name: 'rows' }, { name: 'Parquet', align: 'right' as const }];
  return [
    `Uploads ${plural(batches.length, 'batch', 'batches')}, ${formatBytes(bytes)}${there}:\n${renderTable(columns, rows, style)}`,
  ];
}

function renderModels({ models }: DeployPlan, style: Style): string[] {
  const due = models.filter(({ action }) => action !== 'keep');
  const kept = models.length - due.length;
  if (due.length === 0) return [`Runs no model; ${plural(kept, 'relation')} kept.`];
  const rows = due.map(({ relation, action, reason, branch }: ModelPlan) => [
    action,
    relation,
    branch === undefined ? reason : `${reason}; built by branch ${branch}`,
  ]);
  const table = renderTable([{ name: 'action' }, { name: 'relation' }, { name: 'why' }], rows, style);
  return [kept === 0 ? table : `${table}\n${style.dim(`${plural(kept, 'relation')} kept`)}`];
}

/** What readers will notice, in a few lines: each of many views would be a line that says the same. */
function renderPublishes({ publishes }: DeployPlan): string[] {
  if (publishes.length === 0) return [];
  const named = (what: PublishStep['what']): string => {
    const views = publishes.filter((step) => step.what === what).map(({ view }) => view);
    const { shown, more } = firstFew(views);
    return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  };
  const lines = [
    ['switch', 'show the new rows:'],
    ['create', 'are new:'],
    [
      'replace',
      'are tables so far, which are kept aside for one deployment and replaced by views (for a moment, readers get an error):',
    ],
    ['drop', 'are gone:'],
  ] as const;
  return [
    [
      'Views that readers have, once everything has passed:',
      ...lines.filter(([what]) => named(what) !== '').map(([what, text]) => `  ${text} ${named(what)}`),
    ].join('\n'),
  ];
}

function renderTargetOnly({ target, targetOnly }: DeployPlan): string[] {
  if (targetOnly.length === 0) return [];
  const named = targetOnly.map(({ name, reason }) => `${name} (${reason})`);
  return [`Built on ${target} only, not checked on this machine: ${named.join(', ')}.`];
}

function renderReads({ reads }: DeployPlan): string[] {
  return reads.length === 0 ? [] : [`Read where it is, and never changed: ${reads.join(', ')}.`];
}

function renderBreaks({ breaks }: DeployPlan, style: Style): string[] {
  if (breaks.length === 0) return [];
  const lines = breaks.map((one) => `  ${breakSentence(one)}`);
  return [
    [style.bad('Breaks what others rely on; it is deployed only with --accept-break and the reason:'), ...lines].join(
      '\n',
    ),
  ];
}

/** Renders the outcome of a deployment. */
export function renderDeploy(report: DeployReport, style: Style): string {
  const parts = [...renderRecovered(report.recovered, style), ...bodyOf(report, style), ...renderBundle(report, style)];
  return parts.join('\n\n');
}

function bodyOf(report: DeployReport, style: Style): string[] {
  const took = style.dim(`in ${formatDuration(report.ms)}`);
  switch (report.status) {
    case 'planned':
      return [renderPlan(report, style)];
    case 'unchanged':
      return [`${style.good(`${report.target} is up to date`)}: 0 bytes uploaded, no model run ${took}`];
    case 'declined':
      return ['Nothing was done.'];
    case 'deployed':
      return [
        ...renderParity(report, style),
        ...renderVacuumed(report),
        `${style.good(`Deployed to ${report.target}`)}: ${doneLine(report)} ${took}`,
      ];
    case 'undone':
    case 'not undone':
    case 'not published':
      return [
        ...(report.problems ?? []).map((problem) => renderProblem('dbt', problem, style)),
        ...(report.nodes ?? []).filter(({ status }) => status === 'fail').map((node) => renderVerdict(node, style)),
        ...renderParity(report, style),
        `${style.bad(`Not ${report.status === 'not published' ? 'completely published on' : 'deployed to'} ${report.target}`)}: ${report.reason ?? 'it failed'}. ${aftermath(report)} ${took}`,
      ];
  }
}

function renderBundle({ bundle, target }: DeployReport, style: Style): string[] {
  if (bundle === undefined) return [];
  return bundle.status === 'deployed'
    ? [`${style.good('Deployed the bundle')} to ${target}: the job runs this code from now on.`]
    : [
        `${style.bad('The bundle was not deployed')}, so the job still runs its earlier code: ${bundle.reason}. Try again with \`./meetup deploy --target ${target} --bundle\`.`,
      ];
}

function renderVacuumed({ vacuumed }: DeployReport): string[] {
  if (vacuumed === undefined) return [];
  const { tables, dropped } = vacuumed;
  const kept = dropped.length === 0 ? '' : `, and ${plural(dropped.length, 'table')} kept for a rollback`;
  return [
    `Removed for good, because something was forgotten: earlier versions of ${plural(tables.length, 'table')}${kept}.`,
  ];
}

function doneLine({ deployment, uploadedBytes = 0, nodes = [] }: DeployReport): string {
  const isTest = ({ kind }: { kind: string }): boolean => kind === 'test';
  const models = nodes.filter((node) => !isTest(node)).length;
  const tests = nodes.filter(isTest).length;
  return `${deployment}, ${formatBytes(uploadedBytes)} uploaded, ${plural(models, 'relation')} built, ${plural(tests, 'test')} passed`;
}

function aftermath({ status, undone }: DeployReport): string {
  if (status === 'not published') return 'It passed all tests: the next deployment or rollback shows readers the rest.';
  if (undone === undefined) return 'It has not been put back yet: the next deployment or rollback does that.';
  return undone.failed.length === 0
    ? 'Every table is as it was.'
    : `These could not be put back: ${undone.failed.map(({ relation, reason }) => `${relation} (${reason})`).join(', ')}.`;
}

function renderParity({ parity = [] }: DeployReport, style: Style): string[] {
  if (parity.length === 0) return [];
  const rows = parity.map(({ name, rows: count, status, message }) => [name, count, message ?? status]);
  return [renderTable([{ name: 'mart' }, { name: 'rows' }, { name: 'against the local one' }], rows, style)];
}

function renderRecovered(recovered: Undone | undefined, style: Style): string[] {
  if (recovered === undefined) return [];
  const { deployment, reason, restored, failed, isPublished } = recovered;
  if (isPublished) return [style.caution(`${deployment} was published first: ${reason}.`)];
  const lines = [
    style.caution(`${deployment} was put back first: ${reason}; ${plural(restored.length, 'relation')} put back.`),
  ];
  return [[...lines, ...failedLines(failed, style)].join('\n')];
}

const failedLines = (failed: RollbackReport['failed'], style: Style): string[] =>
  failed.map(({ relation, reason }) => style.bad(`  ${relation} could not be put back: ${reason}`));

/** Renders the outcome of a rollback. */
export function renderRollback(report: RollbackReport, style: Style): string {
  if (report.status === 'declined') return 'Nothing was done.';
  const took = style.dim(`in ${formatDuration(report.ms)}`);
  return [...renderRecovered(report.recovered, style), ...rollbackLines(report, style), took].join('\n');
}

/** The runs of dbt that a rollback undoes. */
export function runsInWords(runs: readonly string[]): string {
  const { shown, more } = firstFew(runs);
  return `${plural(runs.length, 'run')} of dbt: ${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function rollbackLines(report: RollbackReport, style: Style): string[] {
  // What was undone, and what could not be, is printed above.
  if (report.status === 'undone') return report.recovered === undefined ? ['There was nothing to put back.'] : [];
  if (report.status === 'published') {
    return [`Nothing was put back: run the rollback again to go back from ${report.to ?? 'there'}.`];
  }
  const place = `${report.target} is at ${report.to ?? 'its state before the first deployment'}`;
  const shown = report.failed.length === 0 ? style.good(place) : style.caution(`${place}, but not all of it`);
  const { undoes = [] } = report;
  const undone = undoes.length === 0 ? [] : [`This also undid ${runsInWords(undoes)}.`];
  return [
    `${shown}: ${plural(report.restored.length, 'relation')} put back`,
    ...undone,
    ...failedLines(report.failed, style),
  ];
}
