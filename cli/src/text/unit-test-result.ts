import type { FixtureResult } from '../engine/protocol.ts';
import { renderDifference } from './difference.ts';
import type { Style } from './style.ts';
import { renderProblem } from './verdict.ts';

/** Why a fixture failed: the rows that differ, or why it could not run. */
export function renderFixture(result: FixtureResult, style: Style): string {
  if (result.difference !== undefined) return renderDifference(result.difference, style);
  if (result.problem !== undefined) return renderProblem(result.name, result.problem, style);
  return result.message ?? result.status;
}
