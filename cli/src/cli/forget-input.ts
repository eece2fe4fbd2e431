import { MeetupError } from '../config/errors.ts';
import { type Given, parseGiven } from '../forget/subject.ts';
import { ask } from './confirm.ts';
import type { CommandSession, Io } from './run-command.ts';

/**
 * Parses `user_id=123`, and reads the value of `user_id=-` from stdin, so that it is neither in the shell's history nor in the list of
 * processes.
 * @throws MeetupError if stdin is needed twice, or has no value.
 */
export async function readGiven(texts: readonly string[], { effects }: CommandSession, io: Io): Promise<Given[]> {
  const given = texts.map(parseGiven);
  const [one, ...others] = given.filter(({ value }) => value === '-');
  if (one === undefined) return given;
  if (others.length > 0) throw new MeetupError('forget reads only one value from stdin: give the others as KEY=VALUE.');
  const isTerminal = io.stdin === undefined || io.stdin.isTTY === true;
  const text = isTerminal
    ? await ask(`${one.name}: `, process.stdin, process.stderr, effects.signal)
    : await allOf(io.stdin);
  const value = (text ?? '').replace(/\r?\n$/, '');
  if (value === '') throw new MeetupError(`There is no value of ${one.name} on stdin.`);
  return given.map((other) => (other === one ? { name: one.name, value } : other));
}

async function allOf(input: Io['stdin']): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of input ?? []) chunks.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
  return Buffer.concat(chunks).toString('utf8');
}
