import type { Cell } from '../warehouse/warehouse.ts';
import { isSameCell, type TableDifference } from './compare-rows.ts';
import type { Drift } from './full-refresh.ts';
import type { DayOutcome } from './scenario-player.ts';

const MOST_ROWS = 10;

export const hasPassed = (outcome: DayOutcome): boolean =>
  outcome.problems.length + outcome.differences.length + outcome.drifts.length === 0;

/** The failures of a day as text: each row with the file and line that expects it, and differing cells in »«. */
export function renderOutcome(outcome: DayOutcome): string {
  return [
    `${outcome.scenario}, after ${outcome.day}:`,
    ...outcome.problems,
    ...outcome.differences.map(renderDifference),
    ...outcome.drifts.map(renderDrift),
  ].join('\n');
}

function renderDifference(difference: TableDifference): string {
  const { table, file, columns, missing, extra, different, problem } = difference;
  if (problem !== undefined) return `${table} can't be compared: ${problem}\n  ${file}`;
  const counts = [
    different.length > 0 ? `${different.length} different` : '',
    missing.length > 0 ? `${missing.length} missing` : '',
    extra.length > 0 ? `${extra.length} extra` : '',
  ];
  return [
    `${table}: ${counts.filter((count) => count !== '').join(', ')} (${file})`,
    ...different.flatMap(({ line, row, found }) => [
      `  different  ${file}:${line}`,
      `    expected ${cells(columns, row, found)}`,
      `    found    ${cells(columns, found, row)}`,
    ]),
    ...missing.flatMap(({ line, row }) => [`  missing    ${file}:${line}`, `    expected ${cells(columns, row)}`]),
    ...limited(extra).map((row) => `  extra\n    found    ${cells(columns, row)}`),
    ...more(extra.length),
  ].join('\n');
}

function renderDrift({ mart, columns, onlyIncremental, onlyFull }: Drift): string {
  return [
    `${mart}: an incremental build and a full refresh differ`,
    `  ${onlyIncremental.count} rows only in the incremental build`,
    ...onlyIncremental.examples.map((row) => `    ${cells(columns, row)}`),
    `  ${onlyFull.count} rows only in the full refresh`,
    ...onlyFull.examples.map((row) => `    ${cells(columns, row)}`),
  ].join('\n');
}

const limited = <T>(rows: readonly T[]): readonly T[] => rows.slice(0, MOST_ROWS);
const more = (count: number): string[] => (count > MOST_ROWS ? [`  and ${count - MOST_ROWS} more`] : []);

function cells(columns: readonly string[], row: readonly Cell[], other?: readonly Cell[]): string {
  return columns
    .map((column, index) => {
      const text = `${column}=${JSON.stringify(row[index] ?? null)}`;
      return other === undefined || isSameCell(row[index], other[index]) ? text : `»${text}«`;
    })
    .join('  ');
}
