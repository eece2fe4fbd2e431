import type { FixtureResult } from '../engine/protocol.ts';
import { renderDifference } from './difference.ts';
import type { Style } from './style.ts';
import { renderProblem } from './verdict.ts';

/** Why a fixture failed: the rows that are not as expected, or what kept it from running. */
export function renderFixture(result: FixtureResult, style: Style): string {
  if (result.difference !== undefined) return renderDifference(result.difference, style);
  if (result.problem !== undefined) return renderProblem(result.name, result.problem, style);
  return result.message ?? result.status;
}
