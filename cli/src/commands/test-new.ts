import type { Effects } from '../config/effects.ts';
import { MeetupError } from '../config/errors.ts';
import type { CommandResult } from '../config/result.ts';
import { type NewFixture, type NewFixtureOptions, newFixture } from '../test-new/new-fixture.ts';

export type TestNewOptions = NewFixtureOptions;
export type TestNewReport = NewFixture;

/** Writes a unit test of a model from local data. */
export async function run(options: TestNewOptions, effects: Effects): Promise<CommandResult<TestNewReport>> {
  const ways = [options.where, options.fromKey, options.fromRejected].filter((way) => way !== undefined);
  if (ways.length > 1)
    throw new MeetupError("--where, --from-key and --from-rejected can't be combined: give one of them.");
  return { exitCode: 0, report: await newFixture(options, effects) };
}
