import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { ask } from '../../src/cli/confirm.ts';
import { InterruptedError } from '../../src/config/errors.ts';

/** Asks over a terminal that is there in name only; `typed` is what a person types. */
async function answerTo(typed: string, signal = new AbortController().signal): Promise<string | undefined> {
  const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => input });
  const output = Object.assign(new PassThrough(), { isTTY: true, columns: 80 });
  const answer = ask('Type prod to go on: ', input, output, signal);
  input.write(typed);
  return answer;
}

describe('a person who is asked', () => {
  it('answers with a line', async () => {
    expect(await answerTo('prod\r')).toBe('prod');
  });

  it('may give up with Ctrl-D, and interrupt with Ctrl-C', async () => {
    expect(await answerTo('\u0004')).toBeUndefined();
    await expect(answerTo('pro\u0003')).rejects.toThrow(InterruptedError);
  });

  it('is let alone when the command is stopped', async () => {
    const stop = new AbortController();
    const answer = answerTo('', stop.signal);
    stop.abort();
    await expect(answer).rejects.toThrow(InterruptedError);
  });
});
