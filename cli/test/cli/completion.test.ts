import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, type TestContext } from 'vitest';
import { completionScript } from '../../src/cli/completion/script.ts';
import { temporaryFolder } from '../support/effects.ts';
import { declared } from './declared.ts';

type Shell = 'bash' | 'zsh' | 'fish';

const captureInZsh = fileURLToPath(new URL('capture-zsh.zsh', import.meta.url));

/** How to make each shell, started without the user's settings, complete the last word of a command line. */
const COMPLETE: Record<Shell, (script: string, line: string, cwd: string) => string> = {
  bash: (script, line, cwd) => {
    const words = line.replaceAll('=', ' = ').split(' ');
    const program = `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _meetup; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return execFileSync('bash', ['--norc', '-c', program, script, ...words], { encoding: 'utf8', cwd });
  },
  zsh: (script, line, cwd) => execFileSync('zsh', ['-f', captureInZsh, script, line], { encoding: 'utf8', cwd }),
  fish: (script, line, cwd) =>
    execFileSync('fish', ['--no-config', '-c', 'source $argv[1]; complete -C $argv[2]', script, line], {
      encoding: 'utf8',
      cwd,
    }),
};

/** The completions that a shell offers for a command line, in alphabetical order. */
async function offered(shell: Shell, line: string, context: TestContext): Promise<string[]> {
  if (spawnSync(shell, ['--version']).error !== undefined) context.skip(`${shell} is not installed`);
  const folder = await temporaryFolder();
  // The name of this folder needs quoting.
  const models = join(folder, "the 'models' $HOME");
  await mkdir(join(models, 'marts'), { recursive: true });
  await writeFile(join(models, 'marts', 'group_scorecard.sql'), '');
  await writeFile(join(models, 'marts', 'group_scorecard.yml'), '');
  await writeFile(join(models, 'stg_groups.sql'), '');
  await writeFile(join(folder, 'script'), completionScript(shell, declared(), models));
  const words = COMPLETE[shell](join(folder, 'script'), line, models)
    .split(/\r?\n/)
    // fish adds descriptions, and repeats the option in front of its value.
    .map((word) =>
      word
        .replace(/\t.*$/, '')
        .replace(/^--[a-z]+=/, '')
        .replace(/\/$/, ''),
    )
    .filter(Boolean);
  // zsh matches the same files with several patterns.
  return [...new Set(words)].sort();
}

describe.each<Shell>(['bash', 'zsh', 'fish'])('completion in %s', (shell) => {
  it('offers the commands that begin with the word', async (context) => {
    expect(await offered(shell, 'meetup de', context)).toEqual(['deploy', 'dev']);
  });

  it('offers the options of the command and the global ones', async (context) => {
    expect(await offered(shell, 'meetup test --j', context)).toEqual(['--json', '--junit']);
  });

  it('offers the targets for an option that takes one, whether after a space or an equals sign', async (context) => {
    expect(await offered(shell, 'meetup diff --from re', context)).toEqual(['rehearsal']);
    expect(await offered(shell, 'meetup diff --from=re', context)).toEqual(['rehearsal']);
  });

  it('offers the choices of an argument once', async (context) => {
    expect(await offered(shell, 'meetup rehearsal ', context)).toEqual(['down', 'status', 'up']);
    expect(await offered(shell, 'meetup rehearsal up ', context)).not.toContain('status');
  });

  it('does not mistake the value of an option for the command', async (context) => {
    expect(await offered(shell, 'meetup --state-dir dev load --max', context)).toEqual([
      '--max-gone',
      '--max-rejected',
    ]);
  });

  it('offers the models of the project', async (context) => {
    expect(await offered(shell, 'meetup test new group_', context)).toEqual(['group_scorecard']);
    expect(await offered(shell, 'meetup build --select stg', context)).toEqual(['stg_groups']);
  });

  it('offers folders for an option that takes a folder', async (context) => {
    expect(await offered(shell, 'meetup load --data m', context)).toEqual(['marts']);
  });

  it('also completes a program given by its path', async (context) => {
    expect(await offered(shell, './meetup doc', context)).toEqual(['doctor']);
  });
});

describe('the completion script', () => {
  it('exists only for bash, zsh and fish', () => {
    expect(() => completionScript('tcsh', declared(), '/models')).toThrow(
      "completion takes bash, zsh or fish, but got 'tcsh'.",
    );
  });
});
