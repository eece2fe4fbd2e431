import { filterRows } from '../shared/filters.ts';
import { formatOf, formatValue, shownColumns } from '../shared/format.ts';
import type { ComponentScript, Condition, InputValues, Outcome, PageScript, Rows } from '../shared/types.ts';
import { chartColumns, drawChart } from './chart.ts';
import { missingColumns } from './columns.ts';
import { element, sentence } from './dom.ts';
import { drawMap, mapColumns } from './map.ts';
import { type Arrangement, tableOf } from './table.ts';

/** No chart is drawn narrower than this (pixels). */
const NARROWEST = 200;

const EMPTY = 'No rows. Nothing in the data matches the filters, or there is no such data yet.';

interface Shown {
  /** The rows that meet the filters. */
  readonly rows: Rows;
  /** All rows of the query. */
  readonly all: Rows;
}

/** One figure of the page: it shows the rows of its query that meet the filters, or says why there are none. */
export class Figure {
  readonly component: ComponentScript;
  readonly #page: PageScript;
  readonly #body: HTMLElement;
  readonly #filters: readonly Condition[];
  readonly #arrangement: Arrangement = {};
  #isOpen = false;
  #shown: Shown | undefined;
  #width = 0;
  #drawn = 0;

  constructor(section: HTMLElement, component: ComponentScript, page: PageScript) {
    this.component = component;
    this.#page = page;
    this.#body = section.querySelector<HTMLElement>('.body') ?? section;
    this.#filters = page.queries.find(({ name }) => name === component.query)?.filters ?? [];
    if (component.kind === 'chart' || component.kind === 'map') {
      this.#width = this.#measured();
      new ResizeObserver(() => this.#resized()).observe(this.#body);
    }
  }

  /** Whether another value of this input changes what it shows. */
  dependsOn(input: string): boolean {
    const query = this.#page.queries.find(({ name }) => name === this.component.query);
    return query?.keys.includes(input) === true || this.#filters.some((filter) => filter.input === input);
  }

  async show(outcome: Outcome | undefined, inputs: InputValues): Promise<void> {
    this.#shown = undefined;
    if (outcome === undefined) return this.#say('problem', 'The data of this figure is missing.');
    if ('error' in outcome) return this.#say('problem', outcome.error);
    const rows = filterRows(outcome, this.#filters, inputs);
    const missing = missingColumns(rows, this.#columns(rows));
    if (missing.length > 0)
      return this.#say('problem', `The query '${this.component.query}' has no column ${missing.join(', ')}.`);
    if (rows.rows.length === 0) return this.#say('empty', this.component.attributes.empty ?? EMPTY);
    this.#shown = { rows, all: outcome };
    await this.#draw(this.#shown);
  }

  /** The data couldn't be fetched. */
  fail(text: string): void {
    this.#shown = undefined;
    this.#say('problem', text);
  }

  #columns(rows: Rows): readonly (string | undefined)[] {
    const { kind, attributes } = this.component;
    if (kind === 'chart') return chartColumns(this.component);
    if (kind === 'map') return mapColumns(this.component);
    if (kind === 'value') return [attributes.column, attributes.note];
    return shownColumns(
      attributes.columns,
      rows.columns.map(({ name }) => name),
    ).map(({ name }) => name);
  }

  async #draw({ rows, all }: Shown): Promise<void> {
    const { kind } = this.component;
    this.#drawn += 1;
    const mine = this.#drawn;
    const width = Math.max(NARROWEST, this.#width);
    try {
      if (kind === 'value') this.#body.replaceChildren(this.#value(rows));
      else if (kind === 'table')
        this.#body.replaceChildren(this.#table(rows, Number(this.component.attributes.rows ?? 15)));
      else if (kind === 'chart') this.#body.replaceChildren(drawChart(this.component, rows, width), this.#data(rows));
      else {
        const map = await drawMap(this.component, rows, { width, page: this.#page, all });
        if (mine === this.#drawn) this.#body.replaceChildren(map, this.#data(rows));
      }
    } catch (error) {
      this.#say('problem', `The figure can't be drawn: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #value(rows: Rows): HTMLElement {
    const { column = '', format, note } = this.component.attributes;
    const cell = (name: string) => {
      const at = rows.columns.findIndex((one) => one.name === name);
      return { value: rows.rows[0]?.[at] ?? null, type: rows.columns[at]?.type ?? '' };
    };
    const { value, type } = cell(column);
    const big = element('p', { class: 'big' }, formatValue(value, formatOf(format), type));
    if (note === undefined) return big;
    return element('div', {}, big, element('p', { class: 'note' }, formatValue(cell(note).value, undefined)));
  }

  #table(rows: Rows, shown: number): HTMLElement {
    const { title, attributes } = this.component;
    return tableOf(rows, {
      title,
      columns: attributes.columns,
      link: attributes.link,
      rows: shown,
      arrangement: this.#arrangement,
    });
  }

  /** The numbers of a chart as a table, which is made when it is opened. */
  #data(rows: Rows): HTMLElement {
    const { title } = this.component;
    const summary = element(
      'summary',
      {},
      element('span', { class: 'visually-hidden' }, `${title}: `),
      `Data (${rows.rows.length})`,
    );
    const details = element('details', { class: 'data', open: this.#isOpen }, summary);
    const fill = (): void => {
      this.#isOpen = details.open;
      if (details.open && details.childElementCount === 1) details.append(this.#table(rows, 15));
    };
    details.addEventListener('toggle', fill);
    if (this.#isOpen) fill();
    return details;
  }

  #resized(): void {
    const width = this.#measured();
    // A page that is left has no width for a moment.
    if (width === 0 || Math.abs(width - this.#width) < 2) return;
    this.#width = width;
    if (this.#shown !== undefined) void this.#draw(this.#shown);
  }

  /** Asking for it makes the browser lay out the page, so it is kept until it changes. */
  #measured(): number {
    return Math.floor(this.#body.clientWidth);
  }

  #say(className: string, text: string): void {
    this.#body.replaceChildren(sentence(className, text));
  }
}
