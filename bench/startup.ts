import { spawnSync } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { median } from './support/figures.ts';

/**
 * Measures how long `./meetup` takes to answer if everything is installed, compared with a Node process that does nothing.
 * The commands alternate, so that other load on the machine affects all of them equally.
 *
 *     npx tsx bench/startup.ts [runs]
 */
const meetup = fileURLToPath(new URL('../meetup', import.meta.url));
const runs = Number(process.argv[2] ?? 31);
const limitMs = 250;

const contenders = [
  { name: 'node -e 0', command: process.execPath, args: ['-e', '0'] },
  { name: './meetup --version', command: meetup, args: ['--version'] },
  { name: './meetup --help', command: meetup, args: ['--help'] },
].map((contender) => ({ ...contender, times: [] as number[] }));

for (let round = -1; round < runs; round += 1) {
  for (const { name, command, args, times } of contenders) {
    const began = performance.now();
    const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
    const ms = performance.now() - began;
    if (status !== 0) throw new Error(`${name} failed: ${stderr}`);
    // The first round may include the setup.
    if (round >= 0) times.push(ms);
  }
}

const bare = median(contenders[0]?.times ?? []);
for (const { name, times } of contenders) {
  const middle = median(times);
  const verdict = name.startsWith('node') ? '' : `  ${middle <= limitMs ? 'within' : 'OVER'} ${limitMs} ms`;
  const range = `${Math.min(...times).toFixed(0)}–${Math.max(...times).toFixed(0)}`;
  console.log(
    `${name.padEnd(20)} median ${middle.toFixed(0)} ms (${range}), ${(middle / bare).toFixed(2)} × bare Node${verdict}`,
  );
}
