import { execa } from 'execa';
import { type Given, type Outcome, outcomeSchema } from './cases.ts';

/** A client that can't be had on this machine; its tests are skipped, with this reason. */
export class Unavailable extends Error {}

/** Runs a client that reads its cases from standard input and prints the outcomes line by line. */
export async function runClient(command: string, args: readonly string[], given: Given): Promise<Outcome[]> {
  const { stdout, stderr, exitCode } = await execa(command, args, { input: JSON.stringify(given), reject: false });
  if (exitCode !== 0) throw new Error(`${command} ended with ${exitCode}: ${stderr.slice(-2000)}`);
  const lines = stdout.split('\n').filter((line) => line.startsWith('{'));
  return lines.map((line) => outcomeSchema.parse(JSON.parse(line)));
}
