import { describe, expect, it } from 'vitest';
import { declared } from '../cli/declared.ts';
import { COMMANDS, METRICS_WITH_VALUE, readArgs, WITH_VALUE } from './modules.ts';

describe("the launcher's parser of the command line", () => {
  it('knows exactly the declared commands', () => {
    expect(Object.keys(COMMANDS).sort()).toEqual(
      [...declared().commands.map((command) => command.name()), 'help'].sort(),
    );
  });

  it('knows which global options take a value', () => {
    const withValue = declared().options.filter(({ required, optional }) => required || optional);
    expect(withValue.map(({ long }) => long).sort()).toEqual([...WITH_VALUE].sort());
  });

  it.each(['build', 'dev', 'test', 'deploy', 'rehearsal', 'rollback', 'pull', 'ci'])(
    'knows that %s starts dbt',
    (command) => {
      expect(readArgs([command]).needsPython).toBe(true);
    },
  );

  it.each(['generate', 'load', 'query', 'doctor', 'clean', 'completion', 'constructor'])(
    'knows that %s does not start dbt',
    (command) => {
      expect(readArgs([command]).needsPython).toBe(false);
    },
  );

  it.each([['--version'], ['-V'], ['--help'], ['dev', '--help'], ['build', '-h'], []])(
    'needs no Python to print help or the version: %s %s',
    (...argv) => {
      expect(readArgs(argv)).toMatchObject({ needsPython: false, writesState: false });
    },
  );

  it('finds the command after options with values', () => {
    const argv = ['--data', 'build', '--state-dir', 'dev', '--target', 'test', '--json', 'query', 'select 1'];
    expect(readArgs(argv)).toMatchObject({ command: 'query', stateDir: 'dev', json: true, needsPython: false });
  });

  it('uses the last --state-dir, before or after the command, as commander does', () => {
    expect(readArgs(['build', '--state-dir=a', '--select', 'x', '--state-dir', 'b']).stateDir).toBe('b');
    expect(readArgs(['--state-dir', 'a', 'build', '--state-dir=b']).stateDir).toBe('b');
  });

  it('ignores everything after --', () => {
    expect(readArgs(['query', '--', '--help --json'])).toMatchObject({ json: false, command: 'query' });
    expect(readArgs(['build', '--', '--help']).needsPython).toBe(true);
  });

  it('needs dbt for diff only if one of the targets is not DuckDB', () => {
    expect(readArgs(['diff', '--from', 'dev', '--to', 'dev']).needsPython).toBe(false);
    expect(readArgs(['diff', '--from', 'dev', '--to', 'rehearsal']).needsPython).toBe(true);
  });

  it('needs the development tools only for test --all', () => {
    expect(readArgs(['test', '--all']).needsDevTools).toBe(true);
    expect(readArgs(['test']).needsDevTools).toBe(false);
    expect(readArgs(['clean', '--all']).needsDevTools).toBe(false);
  });

  it('needs dbt for ci, and the development tools if it lints', () => {
    expect(readArgs(['ci'])).toMatchObject({ needsPython: true, needsDevTools: true });
    expect(readArgs(['ci', '--only=lint']).needsDevTools).toBe(true);
    expect(readArgs(['ci', '--only', 'fixtures,build']).needsDevTools).toBe(false);
    expect(readArgs(['ci', '--help'])).toMatchObject({ needsPython: false, needsDevTools: false });
  });

  it('needs MetricFlow only to ask for a metric', () => {
    expect(readArgs(['metrics'])).toMatchObject({ needsPython: true, needsMetricFlow: false });
    expect(readArgs(['metrics', '--json', '--state-dir', 'x']).needsMetricFlow).toBe(false);
    expect(readArgs(['metrics', '--by', 'metric_time__month', 'members']).needsMetricFlow).toBe(true);
    expect(readArgs(['metrics', 'members', '--help']).needsMetricFlow).toBe(false);
    expect(readArgs(['dev']).needsMetricFlow).toBe(false);
  });

  it('knows which options of metrics take a value', () => {
    const options = declared().commands.find((command) => command.name() === 'metrics')?.options ?? [];
    const withValue = options.filter(({ required, optional }) => required || optional).map(({ long }) => long);
    expect(withValue.sort()).toEqual([...METRICS_WITH_VALUE].sort());
  });

  it('knows which commands create a state folder', () => {
    expect(readArgs(['load']).writesState).toBe(true);
    for (const command of ['query', 'doctor', 'clean']) expect(readArgs([command]).writesState).toBe(false);
  });
});
