import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { projectRoot } from '../../src/config/paths.ts';
import type { QueryResult, Warehouse } from '../../src/warehouse/warehouse.ts';

/** A query in a Markdown file (a block fenced by ```sql), and the table below it, if there is one. */
export interface DocsQuery {
  /** Relative to the project, with the line of the query. */
  readonly place: string;
  readonly sql: string;
  /** The lines of the table that the page shows. */
  readonly shown: readonly string[] | undefined;
}

const BLOCK = /^```sql\n(?<sql>.*?)^```\n(?:\n(?<table>(?:^\|[^\n]*\n)+))?/gms;

/** The Markdown files of the project's root and of docs/. */
async function pages(): Promise<string[]> {
  const inRoot = (await readdir(projectRoot)).map((name) => join(projectRoot, name));
  const docs = join(projectRoot, 'docs');
  const inDocs = (await readdir(docs, { recursive: true })).map((name) => join(docs, name));
  return [...inRoot, ...inDocs].filter((file) => file.endsWith('.md')).sort();
}

/** Every query of the docs. Blocks for other engines are fenced by, for example, ```sql databricks. */
export async function docsQueries(): Promise<DocsQuery[]> {
  const found: DocsQuery[] = [];
  for (const file of await pages()) {
    const text = await readFile(file, 'utf8');
    for (const { index, groups } of text.matchAll(BLOCK)) {
      const line = text.slice(0, index).split('\n').length + 1;
      found.push({
        place: `${relative(projectRoot, file)}:${line}`,
        sql: groups?.sql ?? '',
        shown: groups?.table?.trimEnd().split('\n'),
      });
    }
  }
  return found;
}

/** The answer as a Markdown table: one line per row, nothing for null. */
export function asTable({ columns, rows }: QueryResult): string[] {
  const line = (cells: readonly unknown[]): string => `| ${cells.map((cell) => String(cell ?? '')).join(' | ')} |`;
  return [line(columns.map(({ name }) => name)), `|${'---|'.repeat(columns.length)}`, ...rows.map(line)];
}

/** Writes the current answers into the pages that show any. */
export async function rewriteAnswers(warehouse: Pick<Warehouse, 'query'>): Promise<void> {
  for (const file of await pages()) {
    const text = await readFile(file, 'utf8');
    let written = '';
    let end = 0;
    for (const { 0: block, index, groups } of text.matchAll(BLOCK)) {
      const table = groups?.table;
      if (table === undefined) continue;
      const answer = asTable(await warehouse.query(groups?.sql ?? ''));
      written += `${text.slice(end, index)}${block.slice(0, -table.length)}${answer.join('\n')}\n`;
      end = index + block.length;
    }
    if (end > 0) await writeFile(file, written + text.slice(end));
  }
}
