import type { FixtureDifference, NodeResult, Problem } from './protocol.ts';

export interface NodeVerdict {
  readonly name: string;
  readonly status: 'pass' | 'fail' | 'warn' | 'skip';
  /** Milliseconds. */
  readonly ms: number;
  readonly message?: string;
  /** The name of the node's table, if it isn't that of the node. */
  readonly alias?: string;
  /** For a model on DuckDB: how many rows were written and, if known, how many of them changed. */
  readonly rowsWritten?: number;
  readonly rowsChanged?: number;
  /** dbt's resource type: model, snapshot, seed, operation; test, unit_test. */
  readonly kind: string;
  readonly problem?: Problem;
  /** For a failed test: the number of failing rows, and a sample of them. */
  readonly failures?: number;
  readonly sample?: NonNullable<NodeResult['sample']>;
  readonly diff?: NonNullable<NodeResult['diff']>;
  /** For a failed unit test that ran in memory: the differences. */
  readonly difference?: FixtureDifference;
  /** For a failed test: its file, relative to the dbt project's folder. */
  readonly file?: string;
  readonly line?: number | null;
}

/** Whether a node was built. Exposures have nothing to build (`no-op`). */
export const isThere = (node: NodeResult): boolean => node.status === 'success' || node.status === 'no-op';

export const isTest = (node: Pick<NodeResult, 'resourceType'>): boolean =>
  node.resourceType === 'test' || node.resourceType === 'unit_test';

/** Maps dbt's statuses to four. */
const statuses: Record<NodeResult['status'], NodeVerdict['status']> = {
  success: 'pass',
  pass: 'pass',
  'no-op': 'pass',
  warn: 'warn',
  error: 'fail',
  fail: 'fail',
  'runtime error': 'fail',
  'partial success': 'fail',
  skipped: 'skip',
};

/** A node's result as `build --json` prints it. */
export function verdictOf(node: NodeResult): NodeVerdict {
  const status = statuses[node.status];
  const message = status === 'pass' ? undefined : (node.problem?.message ?? node.message ?? undefined);
  return {
    name: node.name,
    status,
    ms: node.ms,
    kind: node.resourceType,
    ...(node.alias === undefined ? {} : { alias: node.alias }),
    ...(node.rowsWritten === undefined ? {} : { rowsWritten: node.rowsWritten }),
    ...(node.rowsChanged === undefined ? {} : { rowsChanged: node.rowsChanged }),
    ...(message === undefined ? {} : { message }),
    ...(node.problem === undefined ? {} : { problem: node.problem }),
    ...(status === 'pass' || node.failures === null || node.failures === undefined ? {} : { failures: node.failures }),
    ...(node.sample === undefined ? {} : { sample: node.sample }),
    ...(node.diff === undefined ? {} : { diff: node.diff }),
    ...(node.difference === undefined ? {} : { difference: node.difference }),
    ...(status === 'pass' || !isTest(node) || node.problem !== undefined || node.file === null
      ? {}
      : { file: node.file, line: node.line ?? null }),
  };
}
