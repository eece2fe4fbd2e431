import type { Scenario } from './read-scenarios.ts';
import type { DayOutcome, ScenarioSession } from './scenario-player.ts';

/** Several sessions, each of which plays one scenario at a time: as many scenarios go on at once. */
export class ScenarioLanes {
  readonly #sessions: readonly ScenarioSession[];
  readonly #free: ScenarioSession[];
  readonly #waiting: ((session: ScenarioSession) => void)[] = [];
  readonly #played = new Map<Scenario, Promise<readonly DayOutcome[]>>();

  /** @param sessions with a state folder of its own each; the lanes close them. */
  constructor(sessions: readonly ScenarioSession[]) {
    this.#sessions = sessions;
    this.#free = [...sessions];
  }

  /** What came of a day, counted from 1. The first question plays the whole scenario. */
  async outcome(scenario: Scenario, number: number): Promise<DayOutcome> {
    const playing = this.#played.get(scenario) ?? this.#play(scenario);
    this.#played.set(scenario, playing);
    const outcome = (await playing)[number - 1];
    if (outcome === undefined) throw new Error(`${scenario.name} has no day ${number}.`);
    return outcome;
  }

  async close(): Promise<void> {
    await Promise.all(this.#sessions.map((session) => session.close()));
  }

  async #play(scenario: Scenario): Promise<readonly DayOutcome[]> {
    const session = this.#free.shift() ?? (await new Promise<ScenarioSession>((take) => this.#waiting.push(take)));
    try {
      const outcomes: DayOutcome[] = [];
      for (const index of scenario.days.keys()) outcomes.push(await session.play(scenario, index + 1));
      return outcomes;
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free.push(session);
      else next(session);
    }
  }
}
