import type { AnySchemaObject } from 'ajv/dist/2020.js';
import { createTwoFilesPatch } from 'diff';
import { type Contract, contractOf } from '../../ingest/schemas.ts';
import { ajv } from '../infer/summary.ts';
import { edited } from './edit-text.ts';
import { bothEdits, type Change, type Edit, editFor, keyOfEdit } from './edits.ts';
import { adviceOnNumbers } from './unkept-numbers.ts';

/** A record of the quarantine. */
export interface RejectedRecord {
  readonly text: string;
  readonly value: unknown;
}

export interface ProposedChange {
  /** In words, such as `allow "silver" in /properties/tier`. */
  readonly what: string;
  /** The number of records that are rejected for this reason, possibly among others. */
  readonly concerns: number;
  /** The number of records that this change alone would admit. */
  readonly admits: number;
}

export interface Proposal {
  readonly rejected: number;
  /** The number of records that the current schema already allows. */
  readonly valid: number;
  readonly changes: readonly ProposedChange[];
  /** What helps records whose numbers can't be stored exactly, for which no change is proposed; one sentence each. */
  readonly advice: readonly string[];
  /** The number of records that all changes together would admit. */
  readonly admits: number;
  /** The schema's text with all changes. */
  readonly text: string;
  /** A unified diff; empty if there is nothing to propose. */
  readonly diff: string;
}

/** A change may reveal further errors inside the value, so the search is repeated this often. */
const ROUNDS = 4;

/**
 * The smallest changes of a schema that admit rejected records.
 * @param least the minimum number of records that a change has to concern.
 */
export function propose(file: string, text: string, records: readonly RejectedRecord[], least: number): Proposal {
  const before = contractIn(text);
  const rejected = records.filter((record) => before !== undefined && before.validate(record).length > 0);
  const found = new Map<string, { edit: Edit; concerns: number }>();
  let current = text;
  for (let round = 0; round < ROUNDS; round += 1) {
    const contract = contractIn(current);
    const left = rejected.filter((record) => contract !== undefined && contract.validate(record).length > 0);
    const fresh = [...editsFor(current, left)].filter(([key, { concerns }]) => concerns >= least && !found.has(key));
    const kept = fresh.filter(([, { edit }]) => {
      const next = edited(current, edit);
      if (next === undefined || contractIn(next) === undefined) return false;
      current = next;
      return true;
    });
    if (kept.length === 0) break;
    for (const [key, one] of kept) found.set(key, one);
  }
  const changes = [...found.values()]
    .map(({ edit, concerns }) => ({ what: inWords(edit), concerns, admits: admitted(edited(text, edit), rejected) }))
    .sort((a, b) => b.concerns - a.concerns || (a.what < b.what ? -1 : 1));
  return {
    rejected: rejected.length,
    valid: records.length - rejected.length,
    changes,
    advice: adviceIn(current, rejected),
    admits: admitted(current, rejected),
    text: current,
    diff:
      current === text
        ? ''
        : createTwoFilesPatch(file, file, text, current, '', '', { context: 2 }).replace(/^Index: .*\n=+\n/, ''),
  };
}

/** What helps records that all changes leave out although ajv accepts them. */
function adviceIn(text: string, rejected: readonly RejectedRecord[]): readonly string[] {
  const contract = contractIn(text);
  if (contract === undefined) return [];
  const schema: AnySchemaObject = JSON.parse(text);
  const accepts = ajv.compile(schema);
  ajv.removeSchema(schema);
  return adviceOnNumbers(
    rejected.filter(({ value }) => accepts(value)),
    contract.record,
  );
}

/** The edits that would fix the records' errors, by key, with the number of records that each concerns. */
function editsFor(text: string, records: readonly RejectedRecord[]): Map<string, { edit: Edit; concerns: number }> {
  const schema: AnySchemaObject = JSON.parse(text);
  const validate = ajv.compile(schema);
  // Because the next text has the same $id.
  ajv.removeSchema(schema);
  const edits = new Map<string, { edit: Edit; concerns: number }>();
  for (const { value } of records) {
    validate(value);
    const own = new Map<string, Edit>();
    for (const error of validate.errors ?? []) {
      const edit = editFor(error, value);
      if (edit === undefined) continue;
      const key = keyOfEdit(edit);
      const known = own.get(key);
      own.set(key, known === undefined ? edit : bothEdits(known, edit));
    }
    for (const [key, edit] of own) {
      const known = edits.get(key);
      edits.set(key, {
        edit: known === undefined ? edit : bothEdits(known.edit, edit),
        concerns: (known?.concerns ?? 0) + 1,
      });
    }
  }
  return new Map([...edits].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The contract for a schema's text; undefined if it isn't valid. */
function contractIn(text: string): Contract | undefined {
  const schema: AnySchemaObject = JSON.parse(text);
  try {
    return contractOf(schema, ajv);
  } catch {
    return undefined;
  } finally {
    ajv.removeSchema(schema);
  }
}

function admitted(text: string | undefined, records: readonly RejectedRecord[]): number {
  const contract = text === undefined ? undefined : contractIn(text);
  return contract === undefined ? 0 : records.filter((record) => contract.validate(record).length === 0).length;
}

const inWords = ({ path, change }: Edit): string =>
  `${words(change)} in ${path.length === 0 ? 'the record' : `/${path.join('/')}`}`;

function words(change: Change): string {
  switch (change.kind) {
    case 'value':
      return `allow ${JSON.stringify(change.value)}`;
    case 'type':
      return `allow ${change.type === 'null' ? 'null' : `the type ${change.type}`}`;
    case 'limit':
      return `set ${change.keyword} to ${change.limit}`;
    case 'remove':
      return `remove ${change.keyword}`;
    case 'optional':
      return `make ${change.property} optional`;
    case 'property':
      return `add the property ${change.property}`;
  }
}
