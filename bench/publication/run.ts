import { existsSync } from 'node:fs';
import { copyFile, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { resolvePaths } from '../../cli/src/config/paths.ts';
import { openWork } from '../../cli/src/warehouse/duckdb.ts';
import { publish } from '../../cli/src/warehouse/publish.ts';
import { restoreWorkingFile } from '../../cli/src/warehouse/working-file.ts';
import { median } from '../support/figures.ts';

/**
 * Measures publishing for databases of several sizes, after one small table was rebuilt: the time until readers see it, and the
 * time until the next build can start. Compares them with a copy of the whole file.
 *
 *     npx tsx bench/publication/run.ts --mb 10,1000
 */
const { values } = parseArgs({
  options: { mb: { type: 'string', default: '10,1000' }, runs: { type: 'string', default: '5' } },
});

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const started = performance.now();
  await work();
  return performance.now() - started;
};
const ms = (figure: number): string => `${figure.toFixed(0)} ms`.padStart(10);

console.log('database      readers see it   next build can begin   copy of the whole file   (medians)');
for (const megabytes of values.mb.split(',').map(Number)) {
  const folder = await mkdtemp(join(tmpdir(), 'meetup-bench-publication-'));
  try {
    const paths = resolvePaths({ stateDir: folder }, {}, folder);
    const first = await openWork(paths);
    // Eight bytes of noise per row don't compress.
    await first.run(`create table big as select hash(range) as noise from range(${Math.round((megabytes * 1e6) / 8)})`);
    await first.close();
    await publish(paths);
    await restoreWorkingFile(paths);
    const figures = { seen: [] as number[], restored: [] as number[], copied: [] as number[] };
    for (let run = 0; run <= Number(values.runs); run += 1) {
      const work = await openWork(paths);
      await work.run(`create or replace table mart as select range as n, ${run} as run from range(10000)`);
      await work.close();
      const seen = await timed(() => publish(paths));
      const restored = await timed(() => restoreWorkingFile(paths));
      const copied = await timed(() => copyFile(paths.database, join(folder, 'copy')));
      // The first run has no older file to reuse.
      if (run === 0) continue;
      figures.seen.push(seen);
      figures.restored.push(restored);
      figures.copied.push(copied);
    }
    if (!existsSync(paths.workDatabase)) throw new Error('the working file is gone');
    const size = `${((await stat(paths.database)).size / 1e6).toFixed(0)} MB`;
    console.log(
      `${size.padEnd(12)} ${ms(median(figures.seen))}        ${ms(median(figures.restored))}             ${ms(median(figures.copied))}`,
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
