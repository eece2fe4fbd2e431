import type { Effects } from '../config/effects.ts';
import type { EngineEvent } from './protocol.ts';

/** Turns the engine's events into a progress line, and each failure into a permanent line. */
export function buildProgress(effects: Effects): { take(event: EngineEvent): void; reset(): void } {
  const running = new Map<string, string>();
  let total = 0;
  let done = 0;
  const show = (): void => effects.reporter.progress(`building ${done}/${total}  ${[...running.values()].join(', ')}`);
  return {
    take(event) {
      if (event.event === 'parsed') {
        effects.reporter.detail(`dbt parsed the project (${event.kind}, ${event.ms.total ?? 0} ms)`);
      } else if (event.event === 'selected') {
        total = event.total;
        show();
      } else if (event.event === 'started') {
        running.set(event.uniqueId, event.name);
        show();
      } else if (event.event === 'finished') {
        running.delete(event.uniqueId);
        done += 1;
        effects.reporter.detail(`${event.status} ${event.name} (${event.ms} ms)`);
        show();
      } else if (event.level === 'warn') {
        effects.reporter.detail(`dbt: ${event.message}`);
      } else {
        effects.reporter.note(event.message);
      }
    },
    reset() {
      running.clear();
      done = 0;
    },
  };
}
