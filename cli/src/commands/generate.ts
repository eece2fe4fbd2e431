import type { Effects } from '../config/effects.ts';
import type { CommandResult } from '../config/result.ts';
import { type DataSetOptions, type GenerateReport, generateDataSet } from '../generate/data-set.ts';

/**
 * Writes a realistic data set; the same options give the same bytes.
 * @throws MeetupError if the folder holds other data or can't be written.
 */
export async function run(options: DataSetOptions, effects: Effects): Promise<CommandResult<GenerateReport>> {
  return { exitCode: 0, report: await generateDataSet(options, effects) };
}
