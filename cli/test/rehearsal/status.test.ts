import { describe, expect, it } from 'vitest';
import { plainError } from '../../src/rehearsal/gateway/status.ts';

describe('the message of an error from Spark', () => {
  it('has no exception names, no plan and no stack trace', () => {
    const text = [
      'org.apache.hive.service.cli.HiveSQLException: Error running query: [TABLE_OR_VIEW_NOT_FOUND] org.apache.spark.sql.AnalysisException: [TABLE_OR_VIEW_NOT_FOUND] The table `t` cannot be found.',
      'Say IF EXISTS. SQLSTATE: 42P01; line 1 pos 14;',
      "'Project [*]",
      "+- 'UnresolvedRelation [t], [], false",
      '',
      '\tat org.apache.spark.sql.hive.thriftserver.HiveThriftServerErrors$.runningQueryError(HiveThriftServerErrors.scala:43)',
      'Caused by: org.apache.spark.sql.AnalysisException: [TABLE_OR_VIEW_NOT_FOUND] …',
    ].join('\n');
    expect(plainError(text)).toEqual({
      message:
        '[TABLE_OR_VIEW_NOT_FOUND] The table `t` cannot be found.\nSay IF EXISTS. SQLSTATE: 42P01; line 1 pos 14',
      sqlState: '42P01',
    });
  });

  it('keeps the error subclass', () => {
    const text = 'Error running query: [CANNOT_PARSE.ILL] org.x.YException: [CANNOT_PARSE.ILL] Ill. SQLSTATE: 22007';
    expect(plainError(text).message).toBe('[CANNOT_PARSE.ILL] Ill. SQLSTATE: 22007');
  });

  it('has no exception name if there is no error class either', () => {
    const text =
      'org.apache.hive.service.cli.HiveSQLException: java.io.IOException: No space left\n\tat java.base/x.Y(Z.java:1)';
    expect(plainError(text)).toEqual({ message: 'No space left', sqlState: undefined });
  });
});
