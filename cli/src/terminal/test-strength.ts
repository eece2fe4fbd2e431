import type { CoverageReport, MutatedModel, MutationReport } from '../commands/test-strength.ts';
import type { Style } from '../text/style.ts';
import { formatDuration, plural } from '../text/text.ts';

/** How many survivors to show per model; `--json` has all. */
const SHOWN_SURVIVORS = 10;

/** Survivors with their diffs, then the score of each model and of all. */
export function renderMutation(report: MutationReport, style: Style): string {
  const survivors = report.models.filter((model) => model.survivors.length > 0);
  const parts = [
    ...survivors.map((model) => renderSurvivors(model, style)),
    renderScores(report.models, style),
    renderTotal(report, style),
  ];
  return parts.join('\n\n');
}

function renderSurvivors(model: MutatedModel, style: Style): string {
  if (model.fixtures === 0) {
    return `${style.bad(`✗ ${model.name}`)} has no fixture: ${plural(model.survivors.length, 'mutant')} not noticed`;
  }
  const shown = model.survivors.slice(0, SHOWN_SURVIVORS).map((mutant) => {
    const where = mutant.part === '' ? '' : ` in ${mutant.part}`;
    return `  ${style.caution(mutant.step)}${where}\n${mutant.diff.replaceAll(/^/gm, '    ')}`;
  });
  const more = model.survivors.length - shown.length;
  const head = `${style.bad(`✗ ${model.name}`)}: ${plural(model.survivors.length, 'mutant')} that no fixture notices`;
  return [head, ...shown, ...(more > 0 ? [style.dim(`  … and ${more} more, all in --json`)] : [])].join('\n');
}

function renderScores(models: readonly MutatedModel[], style: Style): string {
  const width = Math.max(...models.map((model) => model.name.length));
  return models
    .map((model) => {
      const name = model.name.padEnd(width);
      if (model.score === null) return `${name}  ${style.dim(model.reason ?? 'nothing to change')}`;
      const equivalent = model.equivalent.length > 0 ? style.dim(`, ${model.equivalent.length} equivalent`) : '';
      const text = `${percent(model.score)}  ${model.killed} of ${model.mutants} killed`;
      return `${name}  ${model.score < 0.85 ? style.caution(text) : text}${equivalent}`;
    })
    .join('\n');
}

function renderTotal(report: MutationReport, style: Style): string {
  if (report.score === null) return 'These models have nothing to mutate.';
  const line = `${percent(report.score).trim()} of ${plural(report.mutants, 'mutant')} killed`;
  const apart = style.dim(`(${report.equivalent} equivalent ones excluded) in ${formatDuration(report.ms)}`);
  return `${style.bold(line)} ${apart}`;
}

/** Models, columns and branches that no fixture reaches; then the counts. */
export function renderCoverage(report: CoverageReport, style: Style): string {
  const gaps = report.models.flatMap((model) => {
    if (model.fixtures === 0) return [`${style.bad(`✗ ${model.model}`)}  no fixture`];
    const lines = [
      ...(model.reason === undefined ? [] : [`  ${model.reason}`]),
      ...(model.unexpectedColumns.length === 0
        ? []
        : [`  ${style.caution('columns that no fixture expects')}: ${model.unexpectedColumns.join(', ')}`]),
      ...model.unreachedBranches.map(
        ({ part, branch }) =>
          `  ${style.caution('branch that no row takes')}${part === '' ? '' : ` in ${part}`}: ${branch}`,
      ),
    ];
    return lines.length === 0 ? [] : [[`${style.bold(model.model)}`, ...lines].join('\n')];
  });
  const sum = (of: (model: CoverageReport['models'][number]) => number): number =>
    report.models.reduce((total, model) => total + of(model), 0);
  const columns = sum((model) => model.columns);
  const branches = sum((model) => model.branches);
  const summary = [
    `${report.models.filter((model) => model.fixtures > 0).length} of ${plural(report.models.length, 'model')} have fixtures`,
    `${columns - sum((model) => model.unexpectedColumns.length)} of ${plural(columns, 'column')} are expected by one`,
    `${branches - sum((model) => model.unreachedBranches.length)} of ${plural(branches, 'branch', 'branches')} of CASE are taken`,
  ].join('; ');
  return [...gaps, `${summary} ${style.dim(`in ${formatDuration(report.ms)}`)}`].join('\n');
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`.padStart(7);
