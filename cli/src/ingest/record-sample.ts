import { open } from 'node:fs/promises';
import { textOf } from './json-text.ts';

/** How much is read in one place (bytes). */
const PIECE = 64 * 1024;
/** Where to read in an uncompressed file, as fractions of its size: the first records may lack keys that come later. */
const PLACES = [0, 0.25, 0.5, 0.75];

/**
 * Reads and parses some records of a file, to learn the order of their keys.
 * @param isByLine whether each line is assumed to be a record.
 */
export async function sampleRecords(path: string, isByLine: boolean): Promise<readonly unknown[]> {
  const pieces = path.endsWith('.gz') ? [await firstText(path)] : await piecesOf(path);
  return isByLine ? pieces.flatMap(wholeLines) : firstItems(pieces[0] ?? '');
}

async function firstText(path: string): Promise<string> {
  for await (const text of textOf(path)) if (text !== '') return text.slice(0, 4 * PIECE);
  return '';
}

async function piecesOf(path: string): Promise<string[]> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const places = size > PLACES.length * PIECE ? PLACES : [0];
    return await Promise.all(
      places.map(async (place) => {
        const { buffer, bytesRead } = await file.read(Buffer.alloc(PIECE), 0, PIECE, Math.floor(size * place));
        return buffer.toString('utf8', 0, bytesRead);
      }),
    );
  } finally {
    await file.close();
  }
}

/** The objects that take exactly one line of a piece. */
function wholeLines(piece: string): unknown[] {
  return piece.split('\n').flatMap((line) => parsed(line.trim().replace(/^\[?\s*|\s*[,\]]?$/g, '')));
}

/** The first objects of an array, regardless of line ends. */
function firstItems(text: string): unknown[] {
  const items: unknown[] = [];
  let depth = 0;
  let start = 0;
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]]/gs)) {
    if (token === '{' || token === '[') {
      depth += 1;
      if (depth === 2) start = index;
    } else if (token === '}' || token === ']') {
      depth -= 1;
      if (depth === 1) items.push(...parsed(text.slice(start, index + 1)));
    }
  }
  return items;
}

function parsed(text: string): unknown[] {
  if (!text.startsWith('{')) return [];
  try {
    return [JSON.parse(text)];
  } catch {
    return [];
  }
}
