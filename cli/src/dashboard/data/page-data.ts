import { MeetupError, messageOf } from '../../config/errors.ts';
import { metricsOf } from '../page/component.ts';
import type { InputSpec, Page, QuerySpec } from '../page/types.ts';
import type {
  InputValue,
  InputValues,
  Option,
  Outcome,
  PageInput,
  PageQuery,
  PageScript,
  Scalar,
  Value,
} from '../shared/types.ts';
import type { Publication } from './publication.ts';

/**
 * The inputs and queries of a page with what the database says about them.
 * @throws MeetupError if the options of an input can't be read, or a metric is unknown.
 */
export async function scriptOf(page: Page, publication: Publication, mode: PageScript['mode']): Promise<PageScript> {
  requireMetrics(page, publication);
  const queries: PageQuery[] = [];
  for (const query of page.queries) queries.push(await pageQuery(query, publication));
  const inputs: PageInput[] = [];
  for (const spec of page.inputs) inputs.push(await pageInput(spec, page, publication));
  return { id: page.id, mode, asOf: publication.asOf, inputs, queries };
}

/** @throws MeetupError for the first component that names a metric that the last build didn't know. */
function requireMetrics({ file, blocks }: Page, { metrics }: Publication): void {
  for (const block of blocks) {
    if (block.block !== 'component') continue;
    const unknown = metricsOf(block.component).find((name) => !metrics.some((metric) => metric.name === name));
    if (unknown === undefined) continue;
    const known = metrics.map(({ name }) => name).sort();
    const there = known.length === 0 ? 'it knew none at all' : `there is ${known.join(', ')}`;
    throw new MeetupError(
      `${file}:${block.component.line}: the last dev or build knew no metric '${unknown}'; ${there}.`,
    );
  }
}

async function pageQuery(query: QuerySpec, publication: Publication): Promise<PageQuery> {
  const selected = query.where.filter(({ operator }) => operator === '=').map(({ input }) => input);
  const parameters = await publication.parametersOf(query);
  return {
    name: query.name,
    keys: [...new Set([...selected, ...parameters])].sort(),
    filters: query.where.filter(({ operator }) => operator !== '='),
  };
}

async function pageInput(spec: InputSpec, page: Page, publication: Publication): Promise<PageInput> {
  const { name, label, type, help, min, max, step } = spec;
  const options = await optionsOf(spec, page, publication);
  return { name, label, type, options, initial: initialOf(spec, options), help, min, max, step };
}

async function optionsOf(
  { options = [] }: InputSpec,
  page: Page,
  publication: Publication,
): Promise<readonly Option[]> {
  if (typeof options !== 'string') return options.map((value) => ({ value, label: String(value) }));
  const query = page.queries.find(({ name }) => name === options);
  if (query === undefined) return [];
  const outcome = await publication.run(query, {});
  if ('error' in outcome) throw new MeetupError(outcome.error);
  return outcome.rows.flatMap(([value = null, label = value]) =>
    isScalar(value) ? [{ value, label: String(label) }] : [],
  );
}

const isScalar = (value: Value): value is Scalar => typeof value === 'string' || typeof value === 'number';

/** The default, or for a select without one, its first option. */
function initialOf({ type, default: given }: InputSpec, options: readonly Option[]): InputValue {
  if (type === 'multi') {
    // A number is how many of the first options are chosen.
    if (typeof given === 'number') return options.slice(0, given).map(({ value }) => value);
    const wanted = new Set((typeof given === 'string' ? [given] : (given ?? [])).map(String));
    return options.filter(({ value }) => wanted.has(String(value))).map(({ value }) => value);
  }
  const single = typeof given === 'object' ? given[0] : given;
  if (type !== 'select') return single ?? null;
  return (options.find(({ value }) => String(value) === String(single)) ?? options[0])?.value ?? null;
}

/** The names of all queries that depend on exactly these inputs, in the order of the page. */
export const namesIn = ({ queries }: PageScript, keys: readonly string[]): readonly string[] =>
  queries.filter((query) => isSame(query.keys, keys)).map(({ name }) => name);

/** The result of one of them, for these inputs. */
export function resultOf(
  page: Page,
  name: string,
  keys: readonly string[],
  inputs: InputValues,
  publication: Publication,
): Promise<Outcome> {
  const query = page.queries.find((one) => one.name === name);
  if (query === undefined) throw new TypeError(`The page ${page.id} has no query ${name}.`);
  // An input that doesn't exist stays out, so that its query says so.
  const relevant = Object.fromEntries(Object.entries(inputs).filter(([input]) => keys.includes(input)));
  return publication.run(query, relevant);
}

export const isSame = (a: readonly string[], b: readonly string[]): boolean => a.join(',') === b.join(',');

/** What keeps a page from being shown, if anything does: a page with a wrong query is shown with an error in its place. */
export async function scriptOrProblem(
  page: Page,
  publication: Publication,
  mode: PageScript['mode'],
): Promise<PageScript | { readonly problem: string }> {
  try {
    return await scriptOf(page, publication, mode);
  } catch (error) {
    return { problem: messageOf(error) };
  }
}
