'use strict';

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const FRAME_MS = 100;

/**
 * Shows the setup's progress on stderr: on a terminal as one line that is redrawn, elsewhere as a line when a step begins and
 * when it ends. Steps may overlap.
 */
class Progress {
  #stream;
  #live;
  #quiet;
  /** @type {Map<string, number>} the running steps with their start times */
  #steps = new Map();
  /** @type {NodeJS.Timeout | undefined} */
  #timer;
  #frame = 0;

  /**
   * @param {NodeJS.WriteStream} stream
   * @param {{ quiet: boolean, env: NodeJS.ProcessEnv }} options
   */
  constructor(stream, { quiet, env }) {
    this.#stream = stream;
    this.#quiet = quiet;
    this.#live = stream.isTTY === true && !env.CI && env.TERM !== 'dumb';
  }

  /**
   * @template T
   * @param {string} label such as "Installing the Node packages"
   * @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  async step(label, work) {
    const end = this.begin(label);
    try {
      const result = await work();
      this.#line(`${this.#live ? '✔ ' : ''}${label}: done in ${seconds(end())} s`);
      return result;
    } catch (error) {
      end();
      throw error;
    }
  }

  /**
   * Shows a step until the returned function is called, which returns the duration (milliseconds).
   * @param {string} label
   */
  begin(label) {
    const began = Date.now();
    this.#steps.set(label, began);
    if (!this.#live) this.#line(`${label} …`);
    else if (!this.#quiet) this.#timer ??= setInterval(() => this.#draw(), FRAME_MS);
    return () => {
      this.#steps.delete(label);
      if (this.#steps.size === 0) this.stop();
      return Date.now() - began;
    };
  }

  stop() {
    clearInterval(this.#timer);
    if (this.#timer !== undefined) this.#stream.write('\r\x1b[2K');
    this.#timer = undefined;
  }

  #draw() {
    this.#frame = (this.#frame + 1) % FRAMES.length;
    const steps = [...this.#steps].map(([label, began]) => `${label} (${seconds(Date.now() - began)} s)`);
    const text = `${FRAMES[this.#frame]} ${steps.join(', ')}`;
    this.#stream.write(`\r\x1b[2K${text.slice(0, (this.#stream.columns || 80) - 1)}`);
  }

  /** @param {string} text */
  #line(text) {
    if (this.#quiet) return;
    this.#stream.write(`${this.#timer === undefined ? '' : '\r\x1b[2K'}${text}\n`);
  }
}

/** @param {number} ms */
const seconds = (ms) => (ms < 10_000 ? (ms / 1000).toFixed(1) : String(Math.round(ms / 1000)));

module.exports = { Progress };
