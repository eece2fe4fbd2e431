import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run as query } from '../../src/commands/query.ts';
import { silentEffects } from '../../src/config/effects.ts';
import { messageOf } from '../../src/config/errors.ts';
import { projectRoot, resolvePaths } from '../../src/config/paths.ts';
import { markdownTable, shownQueries, withResults } from './shown-queries.ts';

/**
 * Runs every SQL block of the README and of `docs/` on the marts that `./meetup dev` built from the sample, and compares the results with the tables
 * below the blocks: `npm run docs:check`. `npm run docs:write` writes the results into the docs instead.
 */
const writes = process.argv.includes('--write');
const paths = resolvePaths({}, process.env, projectRoot);
const effects = silentEffects({ env: process.env });

async function resultOf(sql: string, place: string): Promise<string[]> {
  try {
    const [result] = (await query({ paths, sql }, effects)).report;
    return result === undefined ? [] : markdownTable(result);
  } catch (error) {
    throw new Error(`${place}: ${messageOf(error)}`);
  }
}

/** @returns a sentence for each result that is not as shown, with both. */
async function check(file: string): Promise<{ count: number; problems: string[] }> {
  const path = join(projectRoot, file);
  const markdown = await readFile(path, 'utf8');
  const queries = shownQueries(markdown);
  const tables: string[][] = [];
  const problems: string[] = [];
  for (const { sql, line, shown } of queries) {
    const place = `${file}:${line}`;
    const table = await resultOf(sql, place);
    tables.push(table);
    if (shown.length > 0 && shown.join('\n') !== table.join('\n'))
      problems.push(
        `${place} returns another result than shown:\n${table.join('\n')}\ninstead of\n${shown.join('\n')}`,
      );
  }
  if (writes) await writeFile(path, withResults(markdown, queries, tables));
  return { count: queries.length, problems: writes ? [] : problems };
}

const isPage = (name: string): boolean => name.endsWith('.md');
const files = [
  ...(await readdir(projectRoot)).filter(isPage),
  ...(await readdir(join(projectRoot, 'docs'), { recursive: true })).filter(isPage).map((name) => join('docs', name)),
];
const checks = await Promise.all(files.sort().map(check));
const problems = checks.flatMap(({ problems }) => problems);
const count = checks.reduce((sum, check) => sum + check.count, 0);
if (count === 0) problems.push('There is no SQL block in the docs: has the way in which they are marked changed?');
for (const problem of problems) process.stderr.write(`${problem}\n`);
process.stdout.write(
  `${count} SQL blocks of the docs ${problems.length === 0 ? 'return what they show' : 'were run'}.\n`,
);
process.exitCode = problems.length === 0 ? 0 : 1;
