import { namesIn, resultOf } from '../data/page-data.ts';
import type { Publication } from '../data/publication.ts';
import type { Page } from '../page/types.ts';
import { FIRST_LINE, LAST_LINE, lineOf } from '../shared/lines.ts';
import type { InputValues, PageScript } from '../shared/types.ts';

/** A data set line by line: the page draws the first figures while later queries run. */
export async function* streamData(
  page: Page,
  script: PageScript,
  keys: readonly string[],
  inputs: InputValues,
  publication: Publication,
): AsyncGenerator<string> {
  const names = namesIn(script, keys);
  yield FIRST_LINE;
  for (const [i, name] of names.entries()) {
    yield lineOf(name, await resultOf(page, name, keys, inputs, publication), i === names.length - 1);
  }
  yield LAST_LINE;
}
