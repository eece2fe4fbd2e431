import { compareMarts, type MartComparison } from '../compare/compare.ts';
import { type MartSpec, publicMarts } from '../compare/marts.ts';
import { databricksSide, duckDbSide, type Side } from '../compare/side.ts';
import { absence, countsInWords } from '../compare/words.ts';
import type { SurveyContext } from './context.ts';
import { readersOf } from './plan/models.ts';
import type { Survey } from './plan/survey.ts';

/** The comparison of one mart with the local one. */
export interface Parity {
  readonly name: string;
  readonly status: 'equal' | 'different' | 'missing';
  readonly rows: number;
  /** The difference as text. */
  readonly message?: string;
}

/** Compares the public marts that may have changed with the local ones. */
export type VerifyMarts = (survey: Survey, mayDiffer: (uniqueId: string) => boolean) => Promise<readonly Parity[]>;

/**
 * Compares the marts that a deployment built with the local ones; an earlier deployment has compared the others. Where files land on the
 * target, it has other rows than this machine, so what reads them can't be compared.
 */
export function verifyAgainstLocal({ paths, local, remote, target, effects }: SurveyContext): VerifyMarts {
  return async (survey, mayDiffer) => {
    const notLocal = new Set([
      ...survey.plan.targetOnly.map(({ uniqueId }) => uniqueId),
      ...readersOf(survey.changes, new Set(survey.landed)),
    ]);
    const marts = (await publicMarts(survey.manifestFile, paths)).filter(
      ({ uniqueId }) => mayDiffer(uniqueId) && !notLocal.has(uniqueId),
    );
    if (marts.length === 0) return [];
    const { signal, reporter, clock } = effects;
    const compared = await compareMarts(
      duckDbSide('dev', local),
      asBuilt(databricksSide(target.name, remote.connection, remote.catalog, { signal }), marts),
      marts,
      { elapsed: clock.elapsed, progress: (text) => reporter.progress(text) },
    );
    return compared.map(parityOf);
  };
}

/** A target's marts where they are built, because readers don't see them yet. */
function asBuilt(side: Side, marts: readonly MartSpec[]): Side {
  const places = new Map(marts.map(({ schema, name, builtIn }) => [`${schema}.${name}`, builtIn ?? schema]));
  const builtIn = (schema: string, name: string): string => places.get(`${schema}.${name}`) ?? schema;
  return {
    ...side,
    dialect: { ...side.dialect, table: (schema, name) => side.dialect.table(builtIn(schema, name), name) },
    columns: (schema, name) => side.columns(builtIn(schema, name), name),
  };
}

function parityOf(mart: MartComparison): Parity {
  const { name, status, missingIn, rows } = mart;
  if (status === 'equal') return { name, status, rows: rows.to };
  return { name, status: missingIn === undefined ? status : 'missing', rows: rows.to, message: whatDiffers(mart) };
}

/** The first difference, as text. */
export function whatDiffers({ missingIn, columns, rows, counts, more, differences }: MartComparison): string {
  if (missingIn !== undefined) return `it is ${absence(missingIn)}`;
  const [column] = columns;
  if (column !== undefined) {
    return `column ${column.column} is ${column.from ?? 'missing'} here, ${column.to ?? 'missing'} there`;
  }
  if (rows.from !== rows.to) return `${rows.from} rows here, ${rows.to} there`;
  const [row] = differences;
  const key = Object.values(row?.key ?? {}).join(', ');
  const [cell] = row?.cells ?? [];
  const example =
    cell === undefined
      ? `row ${key} is ${row?.kind ?? 'different'}`
      : `row ${key}: ${cell.column} is ${cell.from ?? 'null'} here, ${cell.to ?? 'null'} there`;
  return `${countsInWords(counts, more)}, such as ${example}`;
}
