import { toSearch } from '../shared/addresses.ts';
import { inputsFrom } from '../shared/inputs.ts';
import type { ComponentScript, InputValue, InputValues, PageScript } from '../shared/types.ts';
import { PageData } from './data.ts';
import { byId } from './dom.ts';
import { Figure } from './figure.ts';
import { fillForm } from './form.ts';

const LOST = 'The connection to meetup dashboard is lost: the page shows the last data.';

/** The page in the browser: its filters, its figures, and the data between them. */
class DashboardPage {
  readonly #page: PageScript;
  readonly #data: PageData;
  readonly #figures: readonly Figure[];
  #inputs: InputValues;
  #round = 0;

  constructor(page: PageScript) {
    this.#page = page;
    this.#data = new PageData(page);
    this.#inputs = inputsFrom(page.inputs, new URLSearchParams(location.search));
    const sections = [...document.querySelectorAll<HTMLElement>('[data-component]')];
    this.#figures = sections.map((section) => new Figure(section, componentOf(section), page));
  }

  start(): void {
    const form = document.getElementById('inputs');
    if (form instanceof HTMLFormElement)
      fillForm(form, this.#page.inputs, this.#inputs, (name, value) => this.#choose(name, value));
    void this.#show(this.#figures);
    if (this.#page.mode === 'live') this.#follow();
  }

  #choose(name: string, value: InputValue): void {
    this.#inputs = { ...this.#inputs, [name]: value };
    const changed = this.#page.inputs.filter(
      (input) => JSON.stringify(this.#inputs[input.name]) !== JSON.stringify(input.initial),
    );
    const search = toSearch(
      this.#inputs,
      changed.map((input) => input.name),
    );
    history.replaceState(null, '', search === '' ? location.pathname : `?${search}`);
    void this.#show(this.#figures.filter((figure) => figure.dependsOn(name)));
  }

  async #show(figures: readonly Figure[]): Promise<void> {
    this.#round += 1;
    const round = this.#round;
    const started = performance.now();
    document.documentElement.dataset.state = 'loading';
    await Promise.all(figures.map((figure) => this.#showOne(figure, round)));
    if (round !== this.#round) return;
    document.documentElement.dataset.state = 'ready';
    document.documentElement.dataset.milliseconds = String(Math.round(performance.now() - started));
  }

  async #showOne(figure: Figure, round: number): Promise<void> {
    const inputs = this.#inputs;
    try {
      const outcome = await this.#data.of(figure.component.query, inputs);
      // A later choice may have been answered first.
      if (round === this.#round || inputs === this.#inputs) await figure.show(outcome, inputs);
    } catch (error) {
      figure.fail(error instanceof Error ? error.message : String(error));
    }
  }

  /**
   * Draws again when the database is published, and loads the page again when the page itself changes. A page that nobody sees lets
   * go of its connection, because a browser has only a few for one server, and catches up when it is seen again.
   */
  #follow(): void {
    let events = this.#listen();
    document.addEventListener('visibilitychange', () => {
      events.close();
      if (document.hidden) return;
      events = this.#listen();
      this.#catchUp();
    });
  }

  #listen(): EventSource {
    const events = new EventSource('events');
    events.addEventListener('data', () => this.#catchUp());
    events.addEventListener('pages', () => location.reload());
    events.addEventListener('open', () => say(''));
    events.addEventListener('error', () => say(LOST));
    return events;
  }

  #catchUp(): void {
    this.#published().catch(() => say(LOST));
  }

  async #published(): Promise<void> {
    const response = await fetch(location.href);
    const script = /<script type="application\/json" id="page-script">(.*?)<\/script>/s.exec(
      await response.text(),
    )?.[1];
    // Other options or columns, or the first data at all: everything may be different.
    if (script !== byId('page-script').textContent) return location.reload();
    this.#data.forget();
    await this.#show(this.#figures);
    say(`Drawn again after a build, ${new Date().toLocaleTimeString('en-GB')}.`);
  }
}

function say(text: string): void {
  byId('status').textContent = text;
}

function componentOf(section: HTMLElement): ComponentScript {
  return JSON.parse(section.dataset.component ?? '{}');
}

const page: PageScript = JSON.parse(byId('page-script').textContent ?? '{}');
new DashboardPage(page).start();
