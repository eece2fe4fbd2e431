import { detailsOf, overviewOf } from '../branches/changes/markdown.ts';
import { code, escaped, markdownTable, withoutPipes } from '../text/markdown.ts';
import { formatDuration, plural } from '../text/text.ts';
import type { BranchPart, BuildPart, CiPart, CiReport, ContractsPart } from './report.ts';
import type { ChangedNode } from './slim-plan.ts';
import { ciBase, ciCounts, ciFailures, ciWarnings } from './words.ts';

/** A marker by which a workflow finds its previous comment. */
export const CI_MARKER = '<!-- meetup ci -->';

/** GitHub's limit for a comment is 65,536 characters. */
const LONGEST_SUMMARY = 60_000;
const LONGEST_FAILURE = 4_000;
const LONGEST_LIST = 30;

const marks = { pass: '✅ passed', fail: '❌ failed', skip: '➖ skipped', warn: '⚠️ warned' } as const;

/** The whole run as a Markdown comment: a table of the parts, what failed, what changed and what was built. */
export function renderCiMarkdown(report: CiReport): string {
  const sections = [
    CI_MARKER,
    `## ${headline(report)}`,
    table(
      ['check', 'result', 'what', 'time'],
      report.parts.map((part) => [part.name, marks[part.status], ciCounts(part), formatDuration(part.ms)]),
    ),
    ...report.parts.filter((part) => part.status === 'fail').flatMap(failuresOf),
    ...report.parts.flatMap(warningsOf),
    ...report.parts.flatMap((part) => (part.name === 'branch' ? numbersOf(part) : [])),
    ...report.parts.flatMap((part) => (part.name === 'contracts' ? alteredOf(part) : [])),
    ...report.parts.flatMap((part) => (part.name === 'build' ? [buildOf(part)] : [])),
    // The longest comes last, so that it leaves nothing else out.
    ...report.parts.flatMap((part) => (part.name === 'branch' ? rowsOf(part) : [])),
  ];
  return withinLimit(sections);
}

function headline({ parts }: CiReport): string {
  const failed = parts.filter(({ status }) => status === 'fail').length;
  return failed === 0
    ? '✅ Models: every check passed'
    : `❌ Models: ${failed} of ${plural(parts.length, 'check')} failed`;
}

function failuresOf(part: CiPart): string[] {
  const failures = ciFailures(part);
  const shown = failures.slice(0, LONGEST_LIST).map(({ title, text }) => folded(title, text));
  const hidden = failures.length - shown.length;
  return [`### Failures in ${part.name}`, ...shown, ...(hidden > 0 ? [`… and ${hidden} more.`] : [])];
}

function warningsOf(part: CiPart): string[] {
  const lines = ciWarnings(part);
  if (lines.length === 0) return [];
  return [`### Warnings in ${part.name}`, folded(plural(lines.length, 'warning'), lines.join('\n'))];
}

/** What the change does to the rows of public models, on the data of a target. */
function numbersOf({ branch }: BranchPart): string[] {
  if (branch === undefined || branch.models.length === 0) return [];
  const { target, changes, removed } = branch;
  return [`### What the numbers do on ${target}\n\n${overviewOf({ ...changes, removed })}`];
}

/** The rows that differ, mart by mart. */
function rowsOf({ branch }: BranchPart): string[] {
  const details = branch === undefined ? [] : detailsOf(branch.changes);
  return details.length === 0 ? [] : ['### Rows that differ', ...details];
}

/** Which columns of public models the change can alter. */
function alteredOf({ altered }: ContractsPart): string[] {
  if (altered.length === 0) return [];
  const rows = altered
    .slice(0, LONGEST_LIST)
    .map(({ name, columns, rows: all }) => [code(name), all ? 'rows and all columns' : listed(columns)]);
  const parts = ['### What public models can change', table(['model', 'columns'], rows)];
  if (altered.length > LONGEST_LIST) parts.push(`… and ${altered.length - LONGEST_LIST} more.`);
  return [parts.join('\n\n')];
}

function buildOf(part: BuildPart): string {
  const { changed, removed, alsoBuilt, leftAlone } = part;
  const statuses = new Map(part.models.map(({ name, status }) => [name, status]));
  const row = ({ name, kind, why }: ChangedNode): string[] => {
    const status = statuses.get(name);
    return [
      kind === 'model' ? code(name) : `${code(name)} (${kind})`,
      escaped(why),
      status ? marks[status] : 'not built',
    ];
  };
  const parts = [`### Changed models`, ciBase(part)];
  if (changed.length > 0) parts.push(table(['model', 'why', 'build'], changed.slice(0, LONGEST_LIST).map(row)));
  if (changed.length > LONGEST_LIST) parts.push(`… and ${changed.length - LONGEST_LIST} more.`);
  if (removed.length > 0) parts.push(`Removed from the project: ${listed(removed)}.`);
  if (alsoBuilt.length > 0) {
    parts.push(
      `Also built, because changed models depend on them or because they were out of date: ${listed(alsoBuilt)}.`,
    );
  }
  if (leftAlone.length > 0) {
    parts.push(`Not built, because no change affects them: ${listed(leftAlone)}.`);
  }
  return parts.join('\n\n');
}

const listed = (names: readonly string[]): string =>
  names.slice(0, LONGEST_LIST).map(code).join(', ') +
  (names.length > LONGEST_LIST ? ` and ${names.length - LONGEST_LIST} more` : '');

/** A collapsible block with verbatim text. */
function folded(title: string, text: string): string {
  const cut = text.length > LONGEST_FAILURE ? `${text.slice(0, LONGEST_FAILURE)}\n… (cut)` : text;
  // A fence ends only at one of at least the same length.
  const longest = Math.max(2, ...[...cut.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = '`'.repeat(longest + 1);
  return `<details><summary>${escaped(title)}</summary>\n\n${fence}text\n${cut}\n${fence}\n\n</details>`;
}

const table = (heads: readonly string[], rows: readonly (readonly string[])[]): string =>
  markdownTable(heads, rows, withoutPipes);

/** As many whole sections as fit into a comment. */
function withinLimit(sections: readonly string[]): string {
  const kept: string[] = [];
  let length = 0;
  for (const section of sections) {
    length += section.length + 2;
    if (length > LONGEST_SUMMARY) return `${[...kept, '… the rest is in the log of the run.'].join('\n\n')}\n`;
    kept.push(section);
  }
  return `${kept.join('\n\n')}\n`;
}
