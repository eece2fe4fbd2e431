import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../config/errors.ts';
import type { RehearsalPlaces } from '../places.ts';
import { SparkLostError } from '../server-link/link.ts';
import type { SparkAddress } from '../server-link/links.ts';
import type { Launch } from './launch.ts';
import { writeSparkFiles } from './spark-files.ts';
import { SparkProcess } from './spark-process.ts';

/** A Spark that ended this often within so long is not started again (milliseconds). */
const ENDINGS = 5;
const ENDINGS_WITHIN_MS = 10 * 60_000;
/** How long after the end of one Spark the next is started (milliseconds). */
const PAUSE_MS = 500;
/** How long who needs Spark waits for one that is starting (milliseconds). */
const PATIENCE_MS = 60_000;

/** Keeps one Spark running: one that ends is started again. */
export class SparkKeeper {
  readonly #places: RehearsalPlaces;
  readonly #launch: Launch;
  readonly #log: (line: string) => void;
  readonly #pauseMs: number;
  #spark: SparkProcess | undefined;
  #ending = false;
  /** Told each time that Spark listens. */
  onStarted: (pid: number) => Promise<void> = async () => undefined;

  constructor(places: RehearsalPlaces, launch: Launch, log: (line: string) => void, pauseMs = PAUSE_MS) {
    this.#places = places;
    this.#launch = launch;
    this.#log = log;
    this.#pauseMs = pauseMs;
  }

  /** Where Spark listens. Waits for one that is starting. @throws SparkLostError if none comes up. */
  async address(): Promise<SparkAddress> {
    const deadline = Date.now() + PATIENCE_MS;
    while (this.#spark === undefined) {
      if (Date.now() > deadline) throw new SparkLostError("The rehearsal's Spark is not up: its log says why.");
      await delay(50);
    }
    return this.#spark.address;
  }

  /**
   * Resolves, with an exit code, only when there is no sense in going on.
   * @throws SparkLostError if the first Spark does not start, or Spark ended too often.
   */
  async run(): Promise<number> {
    const endings: number[] = [];
    for (let isFirst = true; !this.#ending; isFirst = false) {
      try {
        await this.#untilItEnds(isFirst);
      } catch (error) {
        // Who starts a rehearsal is to hear at once that Spark can't start. One that did may only have met bad luck.
        if (isFirst) throw error;
        this.#log(messageOf(error));
      }
      if (this.#ending) break;
      endings.push(Date.now());
      const recent = endings.filter((moment) => moment > Date.now() - ENDINGS_WITHIN_MS);
      if (recent.length >= ENDINGS) throw new SparkLostError(`Spark ended ${recent.length} times: giving up.`);
      this.#log('starting another Spark');
      await delay(this.#pauseMs);
    }
    return 0;
  }

  async #untilItEnds(isFirst: boolean): Promise<void> {
    const secret = randomBytes(24).toString('hex');
    await writeSparkFiles(this.#places, this.#launch, secret);
    const spark = await SparkProcess.start(this.#places, this.#launch, secret);
    this.#spark = spark;
    this.#log(`Spark ${spark.pid} listens on port ${spark.address.port}`);
    await this.onStarted(spark.pid).catch((error: unknown) => {
      // Clients reach a later one as they reached the first: what could not be written down is only its number.
      if (isFirst) throw error;
      this.#log(messageOf(error));
    });
    await spark.ended();
    this.#spark = undefined;
    this.#log(`Spark ${spark.pid} ended`);
  }

  async end(): Promise<void> {
    this.#ending = true;
    await this.#spark?.end();
  }
}
