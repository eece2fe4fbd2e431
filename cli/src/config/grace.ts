/** How long output may take after the work has ended (milliseconds). */
const LAST_WORDS_MS = 2000;

/** The time that a command has after Ctrl-C to stop cleanly. Work that must not be interrupted gets as long as it takes. */
export class Grace {
  readonly #ms: number;
  readonly #exit: () => void;
  #kept = 0;
  #isOver = false;

  constructor(ms: number, exit: () => void) {
    this.#ms = ms;
    this.#exit = exit;
  }

  begin(): void {
    setTimeout(() => {
      this.#isOver = true;
      this.#leave();
    }, this.#ms).unref();
  }

  /** Waits for work to end, however long it takes. */
  async toTheEnd<T>(work: Promise<T>): Promise<T> {
    this.#kept += 1;
    try {
      return await work;
    } finally {
      this.#kept -= 1;
      if (this.#isOver) setTimeout(() => this.#leave(), LAST_WORDS_MS).unref();
    }
  }

  #leave(): void {
    if (this.#kept === 0) this.#exit();
  }
}
