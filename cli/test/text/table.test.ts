import { describe, expect, it } from 'vitest';
import { styleFor } from '../../src/text/style.ts';
import { renderTable } from '../../src/text/table.ts';

const plain = styleFor({}, {});

/** The first cell of a rendered row, without its padding. */
const firstCell = (text: string): string =>
  renderTable([{ name: 'text' }, { name: 'n' }], [[text, 'x']], plain)
    .split('\n')[2]
    ?.replace(/ *x$/, '') ?? '';

describe('a table', () => {
  it.each([
    ['a flag', '🇳🇱', 2],
    ['a flag of a region', '🏴󠁧󠁢󠁥󠁮󠁧󠁿', 2],
    ['a copyright sign', '©', 1],
    ['a trademark as an emoji', '™️', 2],
    ['a family of joined emoji', '👨‍👩‍👧‍👦', 2],
    ['a skin tone', '👍🏽', 2],
    ['a keycap', '1️⃣', 2],
    ['a heart as text', '❤', 1],
    ['Persian with a zero-width non-joiner', 'می‌خواهم', 7],
    ['a combining accent', 'e\u0301', 1],
    ['a soft hyphen', 'co\u00adop', 4],
    ['a right-to-left mark', 'a\u200fb', 2],
    ['a word joiner', 'a\u2060b', 2],
    ['Japanese', '東京', 4],
    ['half-width katakana', 'ｶ', 1],
    ['full-width letters', 'Ａ', 2],
    ['Korean', '한국', 4],
  ])('keeps the text and the alignment of %s', (_name, text, width) => {
    expect(firstCell(text)).toBe(text);
    const [header = '', , row = ''] = renderTable([{ name: 'text' }, { name: 'n' }], [[text, 'x']], plain).split('\n');
    const columns = Math.max(4, width);
    expect(header).toBe(`text${' '.repeat(columns - 4)}  n`);
    expect(row).toBe(`${text}${' '.repeat(columns - width)}  x`);
  });

  it.each([
    ['a line break', 'a\nb', 'a b'],
    ['a NUL', 'a\0b', 'a b'],
    ['a colour', '\u001b[31ma\u001b[0m', 'a'],
    ['a carriage return', 'a\rb', 'a b'],
    ['a direction override', 'a\u202eb', 'a b'],
    ['an unclosed direction isolate', 'a\u2066b', 'a b'],
  ])('removes characters that move the cursor or change the text direction: %s', (_name, text, shown) => {
    expect(firstCell(text)).toBe(shown);
  });

  it('truncates a cell between visible characters', () => {
    const cell = firstCell('👨‍👩‍👧‍👦'.repeat(40));
    expect(cell).toBe(`${'👨‍👩‍👧‍👦'.repeat(29)}…`);
  });
});
