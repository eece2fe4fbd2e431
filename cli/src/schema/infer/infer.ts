import type { Effects } from '../../config/effects.ts';
import { InterruptedError, MeetupError, messageOf } from '../../config/errors.ts';
import { fileProblem } from '../../config/file-errors.ts';
import { isObject, type SchemaObject } from '../../ingest/contract/json-schema.ts';
import { cutByHand, JsonFaultError, type ParsedRecord } from '../../ingest/cutter.ts';
import { sniffLayout } from '../../ingest/json-text.ts';
import { contractOf } from '../../ingest/schemas.ts';
import { describe } from './describe.ts';
import { KeySearch } from './key-search.ts';
import { markedValue } from './marked-numbers.ts';
import { ajv, MOST_KEYS, Summary } from './summary.ts';
import { UnusableFilesError } from './unusable-files.ts';

export interface InferredSchema {
  readonly entity: string;
  readonly schema: SchemaObject;
  /** The number of records that it was inferred from. */
  readonly records: number;
  /** Sentences about what it doesn't cover. */
  readonly notes: readonly string[];
}

/**
 * Infers the JSON Schema of the records in some files. Every record is valid against it, and it doesn't depend on the order of
 * records.
 * @throws UnusableFilesError with file and line of each that is not a list of JSON objects.
 */
export async function inferSchema(
  entity: string,
  paths: readonly string[],
  { signal }: Pick<Effects, 'signal'>,
): Promise<InferredSchema> {
  const all = new Summary();
  const keys = new KeySearch(entity);
  const faults: MeetupError[] = [];
  for (const path of paths) {
    keys.beginFile();
    try {
      for await (const portion of recordsOf(path)) {
        if (signal.aborted) throw new InterruptedError();
        for (const record of portion) addRecord(all, keys, path, record);
      }
    } catch (error) {
      if (!(error instanceof MeetupError)) throw error;
      faults.push(error);
    }
  }
  if (faults.length > 0) throw new UnusableFilesError(faults);
  if (all.objects === 0) {
    throw new MeetupError(
      `${paths.join(', ')} holds no records to infer a schema from: move it elsewhere, or put records into it.`,
    );
  }
  if (all.properties === undefined) {
    throw new MeetupError(
      `The records of ${paths.join(', ')} have more than ${MOST_KEYS} different keys: no table has that many columns, so write the schema by hand.`,
    );
  }
  return finish(entity, all, keys);
}

function addRecord(all: Summary, keys: KeySearch, path: string, record: ParsedRecord): void {
  if (!isObject(record.value)) {
    throw new MeetupError(`${path} holds a record that is not an object: record ${record.index}, counted from 0.`);
  }
  all.add(markedValue(record));
  keys.add(record.value);
}

function finish(entity: string, all: Summary, keys: KeySearch): InferredSchema {
  const notes: string[] = [];
  const described = describe(all, entity, '', (sentence) => notes.push(sentence));
  if (!isObject(described) || !isObject(described.properties)) {
    throw new MeetupError(
      `The records of ${entity} have no property that could be a column: write the schema by hand.`,
    );
  }
  notes.push(...inexact(all, ''));
  const key = keys.found(
    Object.entries(described.properties)
      .filter(([, property]) => isObject(property) && (property.type === 'integer' || property.type === 'string'))
      .map(([name]) => name),
  );
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: `One record of ${entity}`,
    ...(key === undefined ? {} : { 'x-meetup': { key: [key] } }),
    ...described,
  };
  contractOf(schema, ajv);
  return { entity, schema, records: all.objects, notes };
}

/** The places of numbers that no column can store exactly. */
function inexact(summary: Summary, path: string): string[] {
  const here =
    summary.inexact === 0
      ? []
      : [`${path || '/'} has numbers that can't be stored exactly (${summary.inexact}): load rejects their records.`];
  const items = summary.items === undefined ? [] : inexact(summary.items, `${path}/[]`);
  const properties = [...(summary.properties ?? [])]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, { values }]) => inexact(values, `${path}/${name}`));
  return [...here, ...items, ...properties];
}

async function* recordsOf(path: string): AsyncGenerator<readonly ParsedRecord[]> {
  try {
    const { layout } = await sniffLayout(path);
    if (layout !== 'nothing') yield* cutByHand(path, layout);
  } catch (error) {
    if (error instanceof JsonFaultError) {
      throw new MeetupError(
        `${path} is not JSON at line ${error.line}, in record ${error.record}: ${error.message}. A file holds one array of records, or one record per line.`,
        { cause: error },
      );
    }
    if (
      error instanceof TypeError ||
      (error instanceof Error && /^(unexpected end of file|incorrect|invalid)/.test(error.message))
    ) {
      const why = error instanceof TypeError ? 'its text is not UTF-8: save it as UTF-8' : messageOf(error);
      throw new MeetupError(`${path} can't be read (${why}).`, { cause: error });
    }
    throw fileProblem(error, path);
  }
}
