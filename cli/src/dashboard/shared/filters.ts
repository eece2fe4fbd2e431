import type { Condition, InputValue, InputValues, Rows, Scalar, Value } from './types.ts';

/** The rows that meet all conditions. An input without a value leaves out nothing. */
export function filterRows(result: Rows, conditions: readonly Condition[], inputs: InputValues): Rows {
  const tests = conditions.flatMap((condition) => {
    const at = result.columns.findIndex(({ name }) => name === condition.column);
    const given = inputs[condition.input] ?? null;
    return at === -1 || isEmpty(given) ? [] : [(row: readonly Value[]) => meets(row[at] ?? null, condition, given)];
  });
  if (tests.length === 0) return result;
  return { columns: result.columns, rows: result.rows.filter((row) => tests.every((test) => test(row))) };
}

const isEmpty = (value: InputValue): boolean => value === null || value === '' || (isList(value) && value.length === 0);

const isList = (value: InputValue): value is readonly Scalar[] => Array.isArray(value);

function meets(cell: Value, { operator }: Condition, given: InputValue): boolean {
  if (cell === null) return false;
  const values: readonly Scalar[] = isList(given) ? given : given === null ? [] : [given];
  const text = String(cell);
  switch (operator) {
    case '=':
    case 'in':
      return values.some((value) => String(value) === text);
    case '<=':
      return values.every((value) => compare(cell, value) <= 0);
    case '>=':
      return values.every((value) => compare(cell, value) >= 0);
    case 'has': {
      const lower = text.toLowerCase();
      return values.some((value) => lower.includes(String(value).toLowerCase()));
    }
  }
}

function compare(cell: Value, value: Scalar): number {
  if (typeof cell === 'number') return cell - Number(value);
  const [a, b] = [String(cell), String(value)];
  return a < b ? -1 : a > b ? 1 : 0;
}
