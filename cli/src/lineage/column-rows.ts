import { plural } from '../text/text.ts';
import { columnsOf, type LineageGraph } from './graph.ts';
import { type Impact, type ImpactedReader, impactOf, type NamedColumn } from './impact.ts';

/** What a column is made of, or what decides its rows. */
export interface FeedRow {
  readonly model: string;
  readonly column: string;
  /** The model, seed or source that it comes from. */
  readonly from: string;
  readonly kind: string;
  /** Columns of that, separated by commas. */
  readonly from_columns: string;
  /** `value`: the column is made of it; `rows`: it only decides which rows there are. */
  readonly decides: 'value' | 'rows';
  /** The number of steps from the column; null for what decides rows. */
  readonly steps: number | null;
}

/** What a change of a column can alter, or who reads it. */
export interface ReaderRow {
  readonly model: string;
  readonly column: string;
  readonly reader: string;
  readonly kind: string;
  /** For a model: its columns that can change. */
  readonly reader_columns: string | null;
  readonly owner: string | null;
}

export interface ColumnRows {
  readonly feeds: readonly FeedRow[];
  readonly readers: readonly ReaderRow[];
}

/** The impact of every column of a model or a seed, as rows. Lets other work in between, because there are many. */
export async function columnRows(graph: LineageGraph, isPublic: (node: string) => boolean): Promise<ColumnRows> {
  const feeds: FeedRow[] = [];
  const readers: ReaderRow[] = [];
  const kindOf = (node: string): string =>
    graph.models.get(node)?.resourceType ?? graph.inputs.get(node)?.resourceType ?? 'table';
  const nodes = [...graph.models.keys(), ...graph.inputs.keys()].filter((node) => kindOf(node) !== 'source');
  for (const node of nodes) {
    for (const column of columnsOf(graph, node)) {
      const impact = impactOf(graph, { node, column }, isPublic);
      const of = { model: impact.of.name, column };
      feeds.push(...feedsOf(impact, kindOf).map((row) => ({ ...of, ...row })));
      readers.push(...readersOf(impact, kindOf).map((row) => ({ ...of, ...row })));
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  return { feeds, readers };
}

type Of = 'model' | 'column';

function feedsOf({ fedBy, rowsFedBy }: Impact, kindOf: (node: string) => string): Omit<FeedRow, Of>[] {
  return [
    ...fedBy.map(({ node, name, column, depth }) => ({
      from: name,
      kind: kindOf(node),
      from_columns: column,
      decides: 'value' as const,
      steps: depth,
    })),
    ...byTable(rowsFedBy).map(({ node, name, columns }) => ({
      from: name,
      kind: kindOf(node),
      from_columns: columns.join(', '),
      decides: 'rows' as const,
      steps: null,
    })),
  ];
}

/** Columns by the table that has them, because joins and filters read many. */
export function byTable(
  columns: readonly NamedColumn[],
): readonly { readonly node: string; readonly name: string; readonly columns: readonly string[] }[] {
  const tables = new Map<string, { node: string; name: string; columns: string[] }>();
  for (const { node, name, column } of columns) {
    const table = tables.get(node) ?? { node, name, columns: [] };
    table.columns.push(column);
    tables.set(node, table);
  }
  return [...tables.values()];
}

function readersOf({ models, readers }: Impact, kindOf: (node: string) => string): Omit<ReaderRow, Of>[] {
  return [
    ...models.map(({ node, name, columns, rows }) => ({
      reader: name,
      kind: kindOf(node),
      reader_columns: rows ? 'rows and all columns' : columns.join(', '),
      owner: null,
    })),
    ...readers.filter(({ kind }) => kind !== 'test').flatMap(shownBy),
    ...counted(readers.filter(({ kind }) => kind === 'test').length),
  ];
}

/** There are too many tests to name each for each column; `meetup impact` does. */
function counted(tests: number): Omit<ReaderRow, Of>[] {
  if (tests === 0) return [];
  return [{ reader: plural(tests, 'data test'), kind: 'data test', reader_columns: null, owner: null }];
}

/** The figures that show a query of the dashboard, or else the reader itself. */
function shownBy({ kind, name, owner, figures = [] }: ImpactedReader): Omit<ReaderRow, Of>[] {
  const rest = { reader_columns: null, owner: owner ?? null };
  if (figures.length > 0) return figures.map((figure) => ({ reader: figure, kind: 'figure', ...rest }));
  return [{ reader: name, kind: READERS[kind], ...rest }];
}

const READERS: Readonly<Record<ImpactedReader['kind'], string>> = {
  exposure: 'exposure',
  metric: 'metric',
  semantic_model: 'semantic model',
  test: 'data test',
  query: 'saved query',
};
