import type { InputValue, InputValues, PageInput } from './types.ts';

/** The values of a page's inputs according to a URL; what the URL leaves out, or gets wrong, has its initial value. */
export function inputsFrom(inputs: readonly PageInput[], search: URLSearchParams): InputValues {
  return Object.fromEntries(inputs.map((input) => [input.name, givenValue(input, search)]));
}

function givenValue(input: PageInput, search: URLSearchParams): InputValue {
  if (input.fixed === true || !search.has(input.name)) return input.initial;
  const texts = search.getAll(input.name);
  const chosen = input.options.filter(({ value }) => texts.includes(String(value))).map(({ value }) => value);
  if (input.type === 'multi') return chosen;
  if (input.type === 'select') return chosen[0] ?? (texts[0] === '' && input.initial === null ? null : input.initial);
  const [text = ''] = texts;
  if (input.type === 'text') return text === '' ? null : text.slice(0, 200);
  if (text.trim() === '') return null;
  const number = Number(text);
  return Number.isFinite(number) ? number : input.initial;
}
