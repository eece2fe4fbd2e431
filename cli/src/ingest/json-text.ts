import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';

/** How a file stores its records; `nothing` is an empty file. */
export type JsonLayout = ListLayout | 'nothing';
export type ListLayout = 'array' | 'newline_delimited';

const BOM = 0xfeff;

/** Yields the decompressed text of a file in chunks. Invalid UTF-8 throws a TypeError. */
export async function* textOf(path: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const source = createReadStream(path, { highWaterMark: 1 << 20 });
  const bytes = path.endsWith('.gz') ? source.pipe(createGunzip()) : source;
  if (bytes !== source) source.on('error', (error) => bytes.destroy(error));
  for await (const chunk of bytes) yield decoder.decode(chunk, { stream: true });
  yield decoder.decode();
}

/** Detects the layout from the first characters of a file. */
export async function sniffLayout(path: string): Promise<{ layout: JsonLayout; hasByteOrderMark: boolean }> {
  let hasByteOrderMark = false;
  let first = true;
  for await (const text of textOf(path)) {
    if (first && text.charCodeAt(0) === BOM) hasByteOrderMark = true;
    if (text !== '') first = false;
    const start = text.replace('\ufeff', '').trimStart();
    if (start !== '') return { layout: start.startsWith('[') ? 'array' : 'newline_delimited', hasByteOrderMark };
  }
  return { layout: 'nothing', hasByteOrderMark };
}
