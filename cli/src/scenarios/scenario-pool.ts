import type { Scenario } from './read-scenarios.ts';
import type { DayOutcome, ScenarioPlayer } from './scenario-player.ts';

/** Several players in parallel, each of which plays one scenario at a time. */
export class ScenarioPool {
  readonly #players: readonly ScenarioPlayer[];
  readonly #free: ScenarioPlayer[];
  readonly #waiting: ((player: ScenarioPlayer) => void)[] = [];
  readonly #played = new Map<Scenario, Promise<readonly DayOutcome[]>>();

  /** @param players each with a state folder of its own; the pool closes them. */
  constructor(players: readonly ScenarioPlayer[]) {
    this.#players = players;
    this.#free = [...players];
  }

  /** The outcome of a day, counted from 1. The first call for a scenario plays all of it. */
  async outcome(scenario: Scenario, number: number): Promise<DayOutcome> {
    const playing = this.#played.get(scenario) ?? this.#play(scenario);
    this.#played.set(scenario, playing);
    const outcome = (await playing)[number - 1];
    if (outcome === undefined) throw new Error(`${scenario.name} has no day ${number}.`);
    return outcome;
  }

  async close(): Promise<void> {
    await Promise.all(this.#players.map((player) => player.close()));
  }

  async #play(scenario: Scenario): Promise<readonly DayOutcome[]> {
    const player = this.#free.shift() ?? (await new Promise<ScenarioPlayer>((take) => this.#waiting.push(take)));
    try {
      const outcomes: DayOutcome[] = [];
      for (const index of scenario.days.keys()) outcomes.push(await player.play(scenario, index + 1));
      return outcomes;
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free.push(player);
      else next(player);
    }
  }
}
