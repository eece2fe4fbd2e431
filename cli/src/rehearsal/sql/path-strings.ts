import { isWord, nameOf, type Token, textOf } from './tokens.ts';

const IN_A_VOLUME = '/Volumes/';

const inVolume = (token: Token | undefined): boolean => textOf(token)?.startsWith(IN_A_VOLUME) ?? false;

/** The strings with paths in volumes that a statement reads from, or writes to: `options (path '…')` and `insert overwrite directory '…'`. */
export const volumeStrings = (code: readonly Token[]): Token[] =>
  code.filter((token, i) => inVolume(token) && (isDirectory(code, i) || isPathOption(code, i)));

/** Whether a table or a schema would be in a volume, which Databricks allows neither: https://docs.databricks.com/aws/en/volumes/paths */
export function isPlacedInVolume(code: readonly Token[]): boolean {
  const words = code.slice(0, 5).map(({ text }) => text.toUpperCase());
  const kind = words.slice(words[1] === 'OR' ? 3 : 1).find((word) => word !== 'EXTERNAL');
  const createsTable = words[0] === 'CREATE' && kind === 'TABLE';
  return code.some(
    (token, i) => inVolume(token) && (isWord(code[i - 1], 'LOCATION') || (createsTable && isPathOption(code, i))),
  );
}

const isDirectory = (code: readonly Token[], i: number): boolean =>
  isWord(code[i - 1], 'DIRECTORY') && (isWord(code[i - 2], 'OVERWRITE') || isWord(code[i - 2], 'LOCAL'));

/** Whether a string is the value of `path`, which may be quoted and followed by `=`, among the options of a reader. */
function isPathOption(code: readonly Token[], i: number): boolean {
  const at = code[i - 1]?.text === '=' ? i - 2 : i - 1;
  const name = textOf(code[at]) ?? nameOf(code[at]);
  if (name?.toLowerCase() !== 'path') return false;
  const opened = code.slice(0, at).findLastIndex(({ text }) => text === '(');
  return isWord(code[opened - 1], 'OPTIONS') && !code.slice(opened, at).some(({ text }) => text === ')');
}
