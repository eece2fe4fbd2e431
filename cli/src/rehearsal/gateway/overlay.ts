import { randomUUID } from 'node:crypto';
import { STATEMENT_KEY } from '../server-link/repeatable.ts';
import type { Struct } from '../thrift/struct.ts';
import { parametersOf } from './parameters.ts';

/** Fields of TSparkArrowTypes, and their names on the server's side. */
const ARROW_TYPES: readonly (readonly [number, string])[] = [
  [1, 'timestamps'],
  [2, 'decimals'],
  [3, 'nested'],
  [4, 'intervals'],
  [5, 'nulls'],
];

/** The format in which a client wants a statement's rows. */
export interface Format {
  readonly arrow: boolean;
  readonly lz4: boolean;
}

/**
 * What the server has to know about a statement besides its text. The key makes it safe to send the statement again: the server
 * runs each key only once.
 */
export function overlayOf(request: Struct): { overlay: Map<string, string>; format: Format } {
  const overlay = new Map<string, string>([[STATEMENT_KEY, randomUUID()]]);
  const parameters = parametersOf(request);
  if (parameters !== undefined) overlay.set('meetup.parameters', parameters);
  const limit = request.i64(0x507);
  if (limit !== undefined && limit > 0n && limit < 2n ** 31n) overlay.set('meetup.limit', String(limit));
  const arrow = request.bool(0x502) === true;
  const lz4 = arrow && request.bool(0x504) === true;
  if (arrow) overlay.set('meetup.arrow', arrowWords(request.struct(0x506), lz4));
  return { overlay, format: { arrow, lz4 } };
}

function arrowWords(types: Struct | undefined, lz4: boolean): string {
  const words = ARROW_TYPES.flatMap(([id, word]) => (types?.bool(id) === true ? [word] : []));
  return [...words, ...(lz4 ? ['lz4'] : [])].join(' ');
}
