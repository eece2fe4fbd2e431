import { beforeAll, describe, expect, it } from 'vitest';
import { hasItsTurn } from '../../support/sampled.ts';
import { type Case, casesFor, type Outcome } from './cases.ts';
import { DRIVERS, type Site } from './drivers.ts';
import { Unavailable } from './run-client.ts';

/** Declares the same tests for every driver, against one rehearsal. */
export function describeClients(site: () => Promise<Site>): void {
  for (const driver of Object.keys(DRIVERS)) {
    describe.skipIf(waitsForItsTurn(driver))(`a client: ${driver}`, () => describeClient(driver, site));
  }
}

/** The client in Go has to be built, which takes a minute, and the environment of SQLAlchemy and ibis has 430 MB. */
function waitsForItsTurn(driver: string): boolean {
  if (driver === 'go') return !hasItsTurn('go');
  return (driver === 'sqlalchemy' || driver === 'ibis') && !hasItsTurn('clients');
}

function describeClient(driver: string, site: () => Promise<Site>): void {
  const cases = casesFor(driver);
  let outcomes: readonly Outcome[] = [];
  let unavailable: string | undefined;

  beforeAll(async () => {
    const found = await site();
    try {
      outcomes = (await DRIVERS[driver]?.({ ...found.connection, cases }, found)) ?? [];
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      unavailable = error.message;
    }
  }, 600_000);

  for (const test of cases) {
    it(test.name, ({ skip }) => {
      if (unavailable !== undefined) skip(unavailable);
      const outcome = outcomes.find(({ name }) => name === test.name);
      expect(outcome?.failed).toBeUndefined();
      expectOutcome(test, outcome?.outcome);
    });
  }
}

function expectOutcome(test: Case, outcome: unknown): void {
  if (test.rows !== undefined) expect(outcome).toEqual(test.rows);
  else if (test.count !== undefined) expect(outcome).toBe(test.count);
  else if (test.has !== undefined) expect(outcome).toEqual(test.has.length > 0 ? expect.arrayContaining(test.has) : []);
  else if (test.do === 'error') {
    expect(outcome).toMatchObject({ state: test.state, message: expect.stringContaining(test.words ?? '') });
  } else if (test.do === 'together') expect(outcome).toBe(3);
  else if (test.do === 'volume') expect(outcome).toBe(true);
  else if (test.do === 'missing') expect(outcome).toMatchObject({ message: expect.any(String) });
  else {
    expect(outcome).toMatchObject({ ended: 'cancelled', after: [['1']] });
    expect(outcome).toHaveProperty(
      'seconds',
      expect.toSatisfy((seconds: number) => seconds < 5),
    );
  }
}
