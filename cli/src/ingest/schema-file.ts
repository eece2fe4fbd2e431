import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { messageOf } from '../config/errors.ts';

/** Why a schema can't be used, and at which path in its document. */
export class SchemaFault extends Error {
  readonly path: readonly string[];

  constructor(message: string, path: readonly string[] = []) {
    super(message);
    this.name = 'SchemaFault';
    this.path = path;
  }
}

/** A JSON text that can't be parsed, or has a key twice. */
export class JsonFileFault extends Error {
  readonly line: number;

  constructor(message: string, line: number) {
    super(message);
    this.name = 'JsonFileFault';
    this.line = line;
  }
}

export interface JsonFile {
  readonly value: unknown;
  /** The line (from 1) of the deepest part of a path that the file contains. */
  lineOf(path: readonly string[]): number;
}

/**
 * Parses a hand-written JSON file.
 * @throws JsonFileFault if it is not JSON, or an object has a key twice, one of which JSON.parse would silently drop.
 */
export function parseJsonFile(text: string): JsonFile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new JsonFileFault(`it is not JSON (${messageOf(error)})`, faultLine(text, messageOf(error)));
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const twice = document.errors.find(({ code }) => code === 'DUPLICATE_KEY');
  if (twice !== undefined) {
    const line = lines.linePos(twice.pos[0]).line;
    const key = /"(?:[^"\\]|\\.)*"/.exec(text.slice(twice.pos[0]))?.[0] ?? 'a key';
    throw new JsonFileFault(`an object has ${key} twice`, line);
  }
  return { value, lineOf: (path) => lines.linePos(offsetOf(document.contents, path)).line };
}

function offsetOf(root: Node | null, path: readonly string[]): number {
  let node: unknown = root;
  let offset = root?.range?.[0] ?? 0;
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && key.value === step);
      if (pair === undefined) return offset;
      offset = (isScalar(pair.key) ? pair.key.range?.[0] : undefined) ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(step)];
      const start = isMap(node) || isSeq(node) || isScalar(node) ? node.range?.[0] : undefined;
      offset = start ?? offset;
    } else return offset;
  }
  return offset;
}

/** The line of a parse error: most of Node's messages have a position; if not, the text ended too early. */
function faultLine(text: string, message: string): number {
  const position = /position (\d+)/.exec(message)?.[1];
  return text.slice(0, position === undefined ? text.trimEnd().length : Number(position)).split('\n').length;
}
