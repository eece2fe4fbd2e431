import { describe, expect, it } from 'vitest';
import { readArgs } from './modules.ts';

describe('what the launcher reads of a command line', () => {
  it.each(['build', 'dev', 'test', 'deploy', 'docs', 'rehearsal', 'rollback'])(
    'knows that %s starts dbt',
    (command) => {
      expect(readArgs([command]).needsPython).toBe(true);
    },
  );

  it.each(['generate', 'load', 'query', 'doctor', 'clean', 'dashboard'])('knows that %s does not', (command) => {
    expect(readArgs([command]).needsPython).toBe(false);
  });

  it.each([['--version'], ['-V'], ['--help'], ['dev', '--help'], ['build', '-h'], []])(
    'asks for no Python where there is only something to say: %s %s',
    (...argv) => {
      expect(readArgs(argv)).toMatchObject({ needsPython: false, writesState: false });
    },
  );

  it('finds the command behind options that take a value', () => {
    const argv = ['--data', 'build', '--state-dir', 'dev', '--target', 'test', '--json', 'query', 'select 1'];
    expect(readArgs(argv)).toMatchObject({ command: 'query', stateDir: 'dev', json: true, needsPython: false });
  });

  it('takes the state folder from wherever it stands, the last one first, as commander does', () => {
    expect(readArgs(['build', '--state-dir=a', '--select', 'x', '--state-dir', 'b']).stateDir).toBe('b');
    expect(readArgs(['--state-dir', 'a', 'build', '--state-dir=b']).stateDir).toBe('b');
  });

  it('reads nothing behind --', () => {
    expect(readArgs(['query', '--', '--help --json'])).toMatchObject({ json: false, command: 'query' });
    expect(readArgs(['build', '--', '--help']).needsPython).toBe(true);
  });

  it('needs dbt for a comparison only where a target is not DuckDB', () => {
    expect(readArgs(['diff', '--from', 'dev', '--to', 'dev']).needsPython).toBe(false);
    expect(readArgs(['diff', '--from', 'dev', '--to', 'rehearsal']).needsPython).toBe(true);
  });

  it("needs the project's own checking tools for test --all alone", () => {
    expect(readArgs(['test', '--all']).needsDevTools).toBe(true);
    expect(readArgs(['test']).needsDevTools).toBe(false);
    expect(readArgs(['clean', '--all']).needsDevTools).toBe(false);
  });

  it('needs dbt for ci, and the checking tools where it lints', () => {
    expect(readArgs(['ci'])).toMatchObject({ needsPython: true, needsDevTools: true });
    expect(readArgs(['ci', '--only=lint']).needsDevTools).toBe(true);
    expect(readArgs(['ci', '--only', 'fixtures,build']).needsDevTools).toBe(false);
    expect(readArgs(['ci', '--help'])).toMatchObject({ needsPython: false, needsDevTools: false });
  });

  it('knows which commands make a state folder', () => {
    expect(readArgs(['load']).writesState).toBe(true);
    for (const command of ['query', 'doctor', 'clean']) expect(readArgs([command]).writesState).toBe(false);
  });
});
