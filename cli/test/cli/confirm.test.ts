import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { ask } from '../../src/cli/confirm.ts';
import { InterruptedError } from '../../src/config/errors.ts';

/** Asks on a simulated terminal, where somebody types `typed`. */
async function answerTo(typed: string, signal = new AbortController().signal): Promise<string | undefined> {
  const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => input });
  const output = Object.assign(new PassThrough(), { isTTY: true, columns: 80 });
  const answer = ask('Type prod to go on: ', input, output, signal);
  input.write(typed);
  return answer;
}

describe('a confirmation prompt', () => {
  it('returns the line that was typed', async () => {
    expect(await answerTo('prod\r')).toBe('prod');
  });

  it('returns nothing on Ctrl-D, and interrupts the command on Ctrl-C', async () => {
    expect(await answerTo('\u0004')).toBeUndefined();
    await expect(answerTo('pro\u0003')).rejects.toThrow(InterruptedError);
  });

  it('ends when the command is interrupted', async () => {
    const stop = new AbortController();
    const answer = answerTo('', stop.signal);
    stop.abort();
    await expect(answer).rejects.toThrow(InterruptedError);
  });
});
