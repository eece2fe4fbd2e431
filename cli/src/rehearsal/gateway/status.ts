import { messageOf } from '../../config/errors.ts';
import { StatementError } from '../sql/errors.ts';
import { Struct, struct } from '../thrift/struct.ts';
import { i32, string } from '../thrift/values.ts';

const ERROR_STATUS = 3;
/** States of an operation; any other state means that it has ended. */
export const STATE = {
  initialized: 0,
  running: 1,
  finished: 2,
  canceled: 3,
  error: 5,
  pending: 7,
  timedOut: 8,
} as const;
export const UNDER_WAY: readonly (number | undefined)[] = [STATE.initialized, STATE.running, STATE.pending];

/** The error for the rows of a statement that was cancelled or timed out. */
export function stopped(
  state: number | undefined,
): { readonly message: string; readonly sqlState: string } | undefined {
  if (state === STATE.canceled) {
    return { message: '[OPERATION_CANCELED] The statement was cancelled. SQLSTATE: HY008', sqlState: 'HY008' };
  }
  if (state !== STATE.timedOut) return undefined;
  return { message: '[QUERY_TIMEOUT] The statement exceeded its timeout. SQLSTATE: HYT00', sqlState: 'HYT00' };
}

export const SUCCESS = new Struct([[1, i32(0)]]);

/** A Spark error in Databricks' form. */
export interface SparkError {
  /** The error's class, sentence and SQLSTATE, without plans and stack traces. */
  readonly message: string;
  readonly sqlState: string | undefined;
}

/** `HiveSQLException: Error running query: [A_CLASS] org.apache…Exception: [A_CLASS] What is wrong. SQLSTATE: 42P01; line 1 …` */
export function plainError(text: string): SparkError {
  const sqlState = /SQLSTATE: ([0-9A-Z]{5})/.exec(text)?.[1];
  const untraced = text.split(/\n\s*at [\w.$]+[.(/]/)[0] ?? text;
  const classed = /\[([A-Z][A-Z0-9_]*(?:\.[A-Z0-9_]+)*)\]/.exec(untraced);
  // The class appears twice, before and after the exception's name.
  const from = classed === null ? -1 : untraced.lastIndexOf(classed[0]);
  const message = from < 0 ? withoutExceptions(untraced) : untraced.slice(from);
  // Analysis errors end with the plan that Spark couldn't resolve.
  const end = message.search(/;\n['+A-Z]/);
  const plain = (end < 0 ? message : message.slice(0, end)).trim();
  return { message: plain.replaceAll('`spark_catalog`', '`hive_metastore`'), sqlState };
}

function withoutExceptions(text: string): string {
  return text.replace(/^(?:Error running query: |Error operating \w+: |(?:[\w$]+\.)+[\w$]*(?:Exception|Error): )+/, '');
}

/** A response for a failed call; the status field is the same in all responses. */
export function failure(error: unknown): Struct {
  const sqlState = error instanceof StatementError ? error.sqlState : 'HY000';
  const text = messageOf(error);
  const status = new Struct([
    [1, i32(ERROR_STATUS)],
    [3, string(sqlState)],
    [4, i32(0)],
    [5, string(text)],
    [6, string(text)],
  ]);
  return new Struct([[1, struct(status)]]);
}

/** Whether a response reports a failure. */
export const failed = (response: Struct): boolean => (response.struct(1)?.i32(1) ?? 0) >= ERROR_STATUS;

/** The same response with a plain error message. */
export function plainFailure(response: Struct): Struct {
  const status = response.struct(1);
  if (status === undefined || !failed(response)) return response;
  const { message, sqlState } = plainError(status.string(5) ?? status.string(6) ?? 'Spark gave no reason.');
  const plain = status.with({
    2: undefined,
    3: string(sqlState ?? status.string(3) ?? 'HY000'),
    5: string(message),
    6: string(message),
  });
  return response.with({ 1: struct(plain) });
}
