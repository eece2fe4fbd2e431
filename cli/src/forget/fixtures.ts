import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { isScalar, isSeq, LineCounter, type Node, parseAllDocuments, visit } from 'yaml';
import { writeAtomically } from '../config/atomic-file.ts';
import { hasCode } from '../config/errors.ts';
import type { Paths } from '../config/paths.ts';
import { annotationOf } from '../ingest/annotations.ts';
import { isObject } from '../ingest/contract/json-schema.ts';
import { type Forgotten, referencesByName, textOf } from '../ingest/forgotten/redact-record.ts';
import type { Contracts } from '../ingest/schemas.ts';
import { parseCsv } from '../scenarios/csv.ts';

/** A fixture or a file of a scenario with forgotten values under the names of keys. */
export interface FoundFixture {
  readonly path: string;
  /** Relative to the project. */
  readonly file: string;
  readonly lines: readonly number[];
}

interface Place {
  readonly from: number;
  readonly to: number;
  readonly line: number;
}

/**
 * Finds forgotten values in fixtures and scenarios. Their ids are usually invented, so that an equal one may be a coincidence.
 */
export async function findInFixtures(
  paths: Paths,
  contracts: Contracts,
  forgotten: Forgotten,
): Promise<FoundFixture[]> {
  const found: FoundFixture[] = [];
  for (const path of await fixtureFiles(paths)) {
    const places = placesIn(path, await readFile(path, 'utf8'), namesOf(contracts), forgotten);
    const lines = [...new Set(places.map(({ line }) => line))];
    if (lines.length > 0) found.push({ path, file: relative(paths.root, path), lines });
  }
  return found;
}

/** Replaces forgotten values by an invented one that no fixture has, and keeps every other character. */
export async function rewriteFixtures(paths: Paths, contracts: Contracts, forgotten: Forgotten): Promise<void> {
  const files = await fixtureFiles(paths);
  const texts = new Map(await Promise.all(files.map(async (path) => [path, await readFile(path, 'utf8')] as const)));
  const everything = [...texts.values()].join('\n');
  let invented = 1_000_001;
  while (everything.includes(String(invented))) invented += 1;
  for (const [path, text] of texts) {
    const places = placesIn(path, text, namesOf(contracts), forgotten).sort((a, b) => b.from - a.from);
    if (places.length === 0) continue;
    const left = places.reduce((all, { from, to }) => `${all.slice(0, from)}${invented}${all.slice(to)}`, text);
    await writeAtomically(path, left);
  }
}

async function fixtureFiles({ fixtures, scenarios }: Paths): Promise<string[]> {
  const all = await Promise.all(
    [fixtures, scenarios].map(async (folder) => {
      try {
        const entries = await readdir(folder, { recursive: true, withFileTypes: true });
        return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
      } catch (error) {
        if (hasCode(error, 'ENOENT', 'ENOTDIR')) return [];
        throw error;
      }
    }),
  );
  return [...new Set(all.flat())].filter((path) => /\.(ya?ml|json|csv)$/.test(path)).sort();
}

/** The entity that each name of a property refers to: those of keys, and those with an annotation in any schema. */
function namesOf(contracts: Contracts): ReadonlyMap<string, string> {
  const names = new Map(referencesByName(contracts));
  const visitSchema = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(visitSchema);
    if (!isObject(value)) return;
    for (const [name, property] of Object.entries(isObject(value.properties) ? value.properties : {})) {
      const { references } = isObject(property) ? annotationOf(property) : {};
      if (typeof references === 'string') names.set(name, references);
    }
    Object.values(value).forEach(visitSchema);
  };
  for (const { schema } of contracts.values()) visitSchema(schema);
  return names;
}

function placesIn(path: string, text: string, names: ReadonlyMap<string, string>, forgotten: Forgotten): Place[] {
  return path.endsWith('.csv') ? placesInCsv(path, text, names, forgotten) : placesInYaml(text, names, forgotten);
}

/** YAML, of which JSON is a part. */
function placesInYaml(text: string, names: ReadonlyMap<string, string>, forgotten: Forgotten): Place[] {
  const lineCounter = new LineCounter();
  const found: Place[] = [];
  const take = (node: unknown, entity: string): void => {
    if (isSeq(node)) for (const item of node.items) take(item, entity);
    if (!isScalar(node)) return;
    const value = textOf(node.value);
    if (value !== undefined && forgotten.has(entity, [value])) found.push(...placeOf(node, text, lineCounter));
  };
  for (const document of parseAllDocuments(text, { lineCounter, logLevel: 'silent' })) {
    if (!('contents' in document)) continue;
    visit(document, {
      Pair: (_, { key, value }) => {
        const entity = isScalar(key) ? names.get(String(key.value)) : undefined;
        if (entity !== undefined) take(value, entity);
      },
    });
  }
  return found;
}

/** Without the quotes around it. */
function placeOf({ range }: Node, text: string, lineCounter: LineCounter): Place[] {
  if (!range) return [];
  const [from, to] = range;
  const quoted = /^["']/.test(text.slice(from, to)) ? 1 : 0;
  return [{ from: from + quoted, to: to - quoted, line: lineCounter.linePos(from).line }];
}

function placesInCsv(path: string, text: string, names: ReadonlyMap<string, string>, forgotten: Forgotten): Place[] {
  const [header, ...rows] = parseCsv(text, path);
  const starts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)];
  return rows.flatMap(({ line, cells }) =>
    cells.flatMap((cell, column) => {
      const entity = names.get(String(header?.cells[column]));
      if (entity === undefined || cell === null || !forgotten.has(entity, [cell])) return [];
      const from = text.indexOf(cell, startOfCell(text, starts[line - 1] ?? 0, column));
      return [{ from, to: from + cell.length, line }];
    }),
  );
}

/** Where a cell of a line begins. */
function startOfCell(text: string, lineStart: number, column: number): number {
  let at = lineStart;
  for (let passed = 0; passed < column; passed += 1) {
    const found = /^(?:"(?:[^"]|"")*"|[^",\r\n]*),/.exec(text.slice(at));
    at += found?.[0].length ?? 0;
  }
  return at;
}
