import type { Condition, Operator } from '../shared/types.ts';

const CONDITION = /^(\w+)\s*(=|<=|>=|\bin\b|\bhas\b)\s*\$(\w+)$/;
const operators: readonly Operator[] = ['=', '<=', '>=', 'in', 'has'];

/**
 * Parses `column = $input and column <= $input`.
 * @returns the conditions, or the one that can't be understood.
 */
export function parseConditions(text: string): readonly Condition[] | { readonly wrong: string } {
  const conditions: Condition[] = [];
  for (const part of text.split(/\s+and\s+/)) {
    const [, column, symbol, input] = CONDITION.exec(part.trim()) ?? [];
    const operator = operators.find((one) => one === symbol);
    if (column === undefined || operator === undefined || input === undefined) return { wrong: part.trim() };
    conditions.push({ column, operator, input });
  }
  return conditions;
}
