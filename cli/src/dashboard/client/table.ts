import { toCsv } from '../shared/csv.ts';
import { formatCell, type ShownColumn, shownColumns } from '../shared/format.ts';
import { type Link, linkOf } from '../shared/links.ts';
import { sortRows } from '../shared/sort.ts';
import type { Rows } from '../shared/types.ts';
import { element } from './dom.ts';

/** How a reader has arranged a table; kept while its data is replaced. */
export interface Arrangement {
  column?: string;
  descending?: boolean;
  showsAll?: boolean;
}

export interface TableOptions {
  readonly title: string;
  readonly columns?: string | undefined;
  readonly link?: string | undefined;
  /** How many rows are shown at first. */
  readonly rows: number;
  readonly arrangement: Arrangement;
}

/** A table that sorts by its headers, with a button that downloads all rows as CSV. */
export function tableOf(result: Rows, options: TableOptions): HTMLElement {
  const { arrangement, title } = options;
  const columns = shownColumns(
    options.columns,
    result.columns.map(({ name }) => name),
  );
  const holder = element('div', { class: 'table-holder' });
  const draw = (focus?: string): void => {
    const sorted = sorting(result, arrangement);
    const shown = arrangement.showsAll === true ? sorted : sorted.slice(0, options.rows);
    const region = element('div', {
      class: arrangement.showsAll === true ? 'scroll long' : 'scroll',
      role: 'region',
      'aria-label': title,
      tabindex: '0',
    });
    const table = element(
      'table',
      {},
      headOf(columns, result, arrangement, draw),
      bodyOf(shown, columns, result, linkOf(options.link, result)),
    );
    region.append(table);
    holder.replaceChildren(region, controls(result, sorted, shown.length, options, draw));
    if (focus !== undefined) holder.querySelector<HTMLElement>(`[data-focus="${CSS.escape(focus)}"]`)?.focus();
  };
  draw();
  return holder;
}

function sorting({ columns, rows }: Rows, { column, descending = false }: Arrangement): Rows['rows'] {
  const at = columns.findIndex(({ name }) => name === column);
  return at === -1 ? rows : sortRows(rows, at, descending);
}

function headOf(
  columns: readonly ShownColumn[],
  result: Rows,
  arrangement: Arrangement,
  draw: (focus: string) => void,
): HTMLElement {
  const cells = columns.map(({ name, label }) => {
    const isSorted = arrangement.column === name;
    const direction = isSorted ? (arrangement.descending === true ? 'descending' : 'ascending') : undefined;
    const button = element('button', { type: 'button', 'data-focus': `sort ${name}` }, label);
    button.addEventListener('click', () => {
      // Numbers are most often sorted to find the largest.
      arrangement.descending = isSorted ? arrangement.descending !== true : isNumeric(result, name);
      arrangement.column = name;
      draw(`sort ${name}`);
    });
    return element(
      'th',
      { scope: 'col', 'aria-sort': direction, class: isNumeric(result, name) ? 'number' : undefined },
      button,
    );
  });
  return element('thead', {}, element('tr', {}, ...cells));
}

const isNumeric = ({ columns, rows }: Rows, name: string): boolean => {
  const at = columns.findIndex((column) => column.name === name);
  return rows.some((row) => typeof row[at] === 'number');
};

function bodyOf(
  rows: Rows['rows'],
  columns: readonly ShownColumn[],
  result: Rows,
  link: Link | undefined,
): HTMLElement {
  const places = columns.map(({ name, format }) => {
    const at = result.columns.findIndex((column) => column.name === name);
    return {
      at,
      format,
      type: result.columns[at]?.type ?? '',
      look: isNumeric(result, name)
        ? 'number'
        : isMoment(format, result.columns[at]?.type ?? '')
          ? 'moment'
          : lengthOf(result, at),
      links: link?.column === name,
    };
  });
  const lines = rows.map((row) => {
    const cells = places.map(({ at, format, type, look, links }) => {
      const value = row[at] ?? null;
      const address = links ? link?.addressOf(row) : undefined;
      return element(
        'td',
        { class: look },
        address === undefined
          ? formatCell(value, format, type)
          : element('a', { href: address }, formatCell(value, format, type)),
      );
    });
    return element('tr', {}, ...cells);
  });
  return element('tbody', {}, ...lines);
}

/** Dates and times stay on one line. */
const isMoment = (format: ShownColumn['format'], type: string): boolean =>
  format === 'moment' || format === 'date' || type === 'DATE' || type.startsWith('TIMESTAMP');

/** Columns of texts get a width in which these take few lines; a table that is too wide scrolls. */
function lengthOf({ rows }: Rows, at: number): 'long' | 'medium' | undefined {
  const longest = Math.max(0, ...rows.map((row) => String(row[at] ?? '').length));
  return longest > 40 ? 'long' : longest > 20 ? 'medium' : undefined;
}

function controls(
  result: Rows,
  sorted: Rows['rows'],
  shown: number,
  { title, arrangement }: TableOptions,
  draw: (focus: string) => void,
): HTMLElement {
  const count =
    shown < sorted.length
      ? `${shown} of ${sorted.length} rows`
      : `${sorted.length} ${sorted.length === 1 ? 'row' : 'rows'}`;
  const csv = element('button', { type: 'button', class: 'csv' }, 'Download CSV', hidden(` of ${title}`));
  csv.addEventListener('click', () => download(`${title}.csv`, toCsv({ columns: result.columns, rows: sorted })));
  const bar = element('div', { class: 'controls' }, element('span', {}, count), csv);
  if (shown < sorted.length) {
    const all = element('button', { type: 'button' }, 'Show all', hidden(` rows of ${title}`));
    all.addEventListener('click', () => {
      arrangement.showsAll = true;
      draw(`sort ${result.columns[0]?.name ?? ''}`);
    });
    bar.append(all);
  }
  return bar;
}

/** The rest of a name for those who hear it without seeing where it is. */
const hidden = (text: string): HTMLElement => element('span', { class: 'visually-hidden' }, text);

function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob(['\uFEFF', text], { type: 'text/csv;charset=utf-8' }));
  const link = element('a', { href: url, download: name.replaceAll(/[^\w .-]+/g, '_') });
  link.click();
  // The browser reads it after this event.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
