import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../config/errors.ts';
import type { RehearsalPlaces } from '../places.ts';
import { SparkLostError } from '../server-link/link.ts';
import type { SparkAddress } from '../server-link/links.ts';
import type { Launch } from './launch.ts';
import { writeSparkFiles } from './spark-files.ts';
import { SparkProcess } from './spark-process.ts';

/** After this many exits within this time (milliseconds), Spark is not restarted. */
const ENDINGS = 5;
const ENDINGS_WITHIN_MS = 10 * 60_000;
/** The pause before Spark is restarted (milliseconds). */
const PAUSE_MS = 500;
/** How long a caller waits for Spark to start (milliseconds). */
const PATIENCE_MS = 60_000;

/** Keeps Spark running by restarting it whenever it ends. */
export class SparkKeeper {
  readonly #places: RehearsalPlaces;
  readonly #launch: Launch;
  readonly #log: (line: string) => void;
  readonly #pauseMs: number;
  #spark: SparkProcess | undefined;
  #ending = false;
  /** Called each time Spark has started listening. */
  onStarted: (pid: number) => Promise<void> = async () => undefined;

  constructor(places: RehearsalPlaces, launch: Launch, log: (line: string) => void, pauseMs = PAUSE_MS) {
    this.#places = places;
    this.#launch = launch;
    this.#log = log;
    this.#pauseMs = pauseMs;
  }

  /** Where Spark listens; waits if it is starting. @throws SparkLostError if it doesn't start. */
  async address(): Promise<SparkAddress> {
    const deadline = Date.now() + PATIENCE_MS;
    while (this.#spark === undefined) {
      if (Date.now() > deadline) throw new SparkLostError("The rehearsal's Spark is not running: its log shows why.");
      await delay(50);
    }
    return this.#spark.address;
  }

  /**
   * Resolves, with an exit code, only when restarting makes no sense.
   * @throws SparkLostError if the first start fails, or Spark ended too often.
   */
  async run(): Promise<number> {
    const endings: number[] = [];
    for (let isFirst = true; !this.#ending; isFirst = false) {
      try {
        await this.#untilItEnds(isFirst);
      } catch (error) {
        // Report a failed first start at once. A failed restart may be a temporary problem.
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
      // After a restart, clients don't need the state file: only Spark's pid in it is outdated.
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
