import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { hasCode, InterruptedError, MeetupError } from '../../config/errors.ts';
import { fileProblem } from '../../config/file-errors.ts';
import type { Paths } from '../../config/paths.ts';
import { isSame, namesIn, resultOf, scriptOf } from '../data/page-data.ts';
import { type LineageSource, Publication } from '../data/publication.ts';
import type { Page, QuerySpec } from '../page/types.ts';
import { dataAddress, dataSetsOf } from '../shared/addresses.ts';
import { textOf } from '../shared/lines.ts';
import type { DataSet, InputValues, Outcome, PageInput, PageScript, Rows, Scalar } from '../shared/types.ts';
import { ASSETS, readAsset } from './assets.ts';
import { type Box, countriesIn } from './atlas.ts';
import { pageHtml } from './page-html.ts';
import { readSite, type Site } from './site.ts';

/** More files than this for one page would be a mistake: somebody multiplied inputs. */
const MOST_COMBINATIONS = 20_000;
/** Queries that can't be split by their rows run once for each combination, so only for a few. */
const MOST_RUNS = 400;

export interface WrittenSite {
  readonly pages: number;
  readonly files: number;
  readonly bytes: number;
}

/**
 * Writes all pages with their data into a folder that works from any web server. The folder is complete or as it was before.
 * @throws MeetupError if a query fails, or the folder holds something else than a dashboard.
 */
export async function writeSite(
  paths: Paths,
  out: string,
  signal: AbortSignal,
  columnLineage?: LineageSource,
): Promise<WrittenSite> {
  const site = await readSite(paths);
  await requireOwnFolder(out);
  await mkdir(dirname(out), { recursive: true }).catch((error: unknown) => Promise.reject(fileProblem(error, out)));
  const folder = await mkdtemp(join(dirname(out), `.${basename(out)}-`));
  const publication = await Publication.open(paths, columnLineage);
  try {
    const writer = new SiteWriter(site, folder, publication, signal);
    const written = await writer.write();
    await replaceFolder(folder, out);
    return written;
  } finally {
    await publication.retire();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Two renames, so that nobody sees half a folder; the old one is only removed once the new one is in its place. */
async function replaceFolder(folder: string, out: string): Promise<void> {
  const old = `${folder}-old`;
  const hadOne = await rename(out, old).then(
    () => true,
    () => false,
  );
  await rename(folder, out);
  if (hadOne) await rm(old, { recursive: true, force: true });
}

/** Marks a folder as written by this command, so that it may be replaced. */
const MARK = '.meetup-dashboard';

async function requireOwnFolder(out: string): Promise<void> {
  try {
    const names = await readdir(out);
    if (names.length === 0 || names.includes(MARK)) return;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return;
    throw fileProblem(error, out, { advice: 'choose another folder with --out' });
  }
  throw new MeetupError(`${out} holds files that are not a dashboard: choose an empty folder with --out.`);
}

class SiteWriter {
  readonly #site: Site;
  readonly #folder: string;
  readonly #publication: Publication;
  readonly #signal: AbortSignal;
  #files = 0;
  #bytes = 0;

  constructor(site: Site, folder: string, publication: Publication, signal: AbortSignal) {
    this.#signal = signal;
    this.#site = site;
    this.#folder = folder;
    this.#publication = publication;
  }

  async write(): Promise<WrittenSite> {
    await this.#put(MARK, '');
    for (const name of ASSETS) await this.#put(`assets/${name}`, await readAsset(name));
    for (const page of this.#site.pages) await this.#page(page);
    const [first] = this.#site.pages;
    if (first !== undefined) await this.#put('index.html', redirect(first.id));
    return { pages: this.#site.pages.length, files: this.#files, bytes: this.#bytes };
  }

  async #page(page: Page): Promise<void> {
    const live = await scriptOf(page, this.#publication, 'static');
    const script = { ...live, inputs: await this.#withFixed(live) };
    await this.#put(
      `${page.id}.html`,
      await pageHtml(this.#site, page.id, { page, script, publication: this.#publication }),
    );
    const boxes: Box[] = [];
    for (const keys of dataSetsOf(script.queries)) {
      const sets = await this.#sets(page, script, keys);
      for (const { inputs, data } of sets) {
        boxes.push(...boxesIn(page, data));
        await this.#put(dataAddress(page.id, keys, inputs), textOf(data));
      }
    }
    const box = union(boxes);
    if (box !== undefined) await this.#put(`data/${page.id}.atlas.json`, JSON.stringify(await countriesIn(box)));
  }

  /** Inputs whose values can't all be written: free text and numbers that reach the SQL, and lists. */
  async #withFixed({ queries, inputs }: PageScript): Promise<readonly PageInput[]> {
    const inSql = new Set(queries.flatMap(({ keys }) => keys));
    return inputs.map((input) =>
      inSql.has(input.name) && input.type !== 'select' ? { ...input, fixed: true } : input,
    );
  }

  /** The data for every combination of values of these inputs. */
  async #sets(page: Page, script: PageScript, keys: readonly string[]) {
    const choices = combinations(keys, script.inputs);
    if (choices.length > MOST_COMBINATIONS) {
      throw new MeetupError(
        `${page.file}: the inputs ${keys.join(', ')} have ${choices.length} combinations, each of which would be a file: give them fewer options.`,
      );
    }
    const queries = page.queries.filter(({ name }) =>
      script.queries.some((one) => one.name === name && isSame(one.keys, keys)),
    );
    const splittable = await this.#allSplittable(queries, keys);
    if (splittable) return this.#split(queries, choices);
    if (choices.length > MOST_RUNS) {
      throw new MeetupError(
        `${page.file}: the queries ${queries.map(({ name }) => name).join(', ')} would run ${choices.length} times: select their rows with where="column = $input" instead of $input in the SQL.`,
      );
    }
    const sets: { inputs: InputValues; data: DataSet }[] = [];
    for (const inputs of choices) {
      const data: Record<string, Rows> = {};
      for (const name of namesIn(script, keys))
        data[name] = requireRows(await resultOf(page, name, keys, inputs, this.#publication), page);
      sets.push({ inputs, data });
    }
    return sets;
  }

  /** Whether inputs only select rows, so that one run gives the rows for all of them. */
  async #allSplittable(queries: readonly QuerySpec[], keys: readonly string[]): Promise<boolean> {
    if (keys.length === 0) return false;
    const parameters = await Promise.all(queries.map((query) => this.#publication.parametersOf(query)));
    return parameters.every((names) => names.length === 0);
  }

  async #split(queries: readonly QuerySpec[], choices: readonly InputValues[]) {
    const sets = choices.map((inputs) => {
      const data: Record<string, Rows> = {};
      return { inputs, data };
    });
    for (const query of queries) {
      const rows = requireRows(await this.#publication.runForAll(query, {}), query);
      const conditions = query.where.filter(({ operator }) => operator === '=');
      const at = conditions.map(({ column }) => rows.columns.findIndex(({ name }) => name === column));
      if (at.includes(-1))
        throw new MeetupError(
          `${query.file}: the query '${query.name}' has no column ${conditions[at.indexOf(-1)]?.column}.`,
        );
      const parts = new Map<string, Rows['rows'][number][]>();
      for (const row of rows.rows) {
        const key = JSON.stringify(at.map((i) => row[i] ?? null));
        const part = parts.get(key);
        if (part === undefined) parts.set(key, [row]);
        else part.push(row);
      }
      for (const { inputs, data } of sets) {
        const key = JSON.stringify(conditions.map(({ input }) => inputs[input] ?? null));
        data[query.name] = { columns: rows.columns, rows: parts.get(key) ?? [] };
      }
    }
    return sets;
  }

  async #put(path: string, content: string | Buffer): Promise<void> {
    if (this.#signal.aborted) throw new InterruptedError();
    const file = join(this.#folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
    this.#files += 1;
    this.#bytes += Buffer.byteLength(content);
  }
}

/** All combinations of the values of selects; other inputs keep their initial value. */
function combinations(keys: readonly string[], inputs: readonly PageInput[]): readonly InputValues[] {
  return keys.reduce<readonly InputValues[]>(
    (all, key) => {
      const input = inputs.find(({ name }) => name === key);
      if (input === undefined) return all;
      const values: readonly (Scalar | PageInput['initial'])[] =
        input.type === 'select' && input.options.length > 0 ? input.options.map(({ value }) => value) : [input.initial];
      return all.flatMap((one) => values.map((value) => ({ ...one, [key]: value })));
    },
    [{}],
  );
}

function requireRows(outcome: Outcome, { file }: { readonly file: string }): Rows {
  if ('error' in outcome) throw new MeetupError(`${file}: ${outcome.error}`);
  return outcome;
}

/** Where the points of a page's maps lie. */
function boxesIn(page: Page, data: DataSet): Box[] {
  return page.blocks.flatMap((block) => {
    if (block.block !== 'component' || block.component.kind !== 'map') return [];
    const { query, attributes } = block.component;
    const outcome = data[query];
    if (outcome === undefined || 'error' in outcome) return [];
    const column = (name: string | undefined): number[] => {
      const at = outcome.columns.findIndex((one) => one.name === name);
      return outcome.rows.flatMap((row) => (typeof row[at] === 'number' ? [row[at]] : []));
    };
    const [xs, ys] = [column(attributes.longitude), column(attributes.latitude)];
    if (xs.length === 0 || ys.length === 0) return [];
    return [[least(xs), least(ys), most(xs), most(ys)] as const];
  });
}

const least = (values: readonly number[]): number => values.reduce((a, b) => Math.min(a, b));
const most = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b));

function union(boxes: readonly Box[]): Box | undefined {
  if (boxes.length === 0) return undefined;
  const side = (at: 0 | 1 | 2 | 3): number[] => boxes.map((box) => box[at]);
  return [least(side(0)), least(side(1)), most(side(2)), most(side(3))];
}

const redirect = (id: string): string =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>Dashboard</title><link rel="icon" href="data:,"><meta http-equiv="refresh" content="0; url=${id}.html"><a href="${id}.html">Dashboard</a></html>\n`;
