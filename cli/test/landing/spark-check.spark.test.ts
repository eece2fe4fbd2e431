import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { projectRoot, resolvePaths } from '../../src/config/paths.ts';
import { sqlType } from '../../src/ingest/contract/column-types.ts';
import { type Contract, contractOf, newAjv, readContracts } from '../../src/ingest/schemas.ts';
import { sparkCheck } from '../../src/landing/spark-check.ts';
import { connectTarget, remoteTarget } from '../../src/targets/target.ts';
import type { DatabricksConnection } from '../../src/warehouse/databricks.ts';
import { quoteText } from '../../src/warehouse/databricks-sql.ts';
import { databricksType } from '../../src/warehouse/databricks-types.ts';
import { generateSchema, recordText } from '../ingest/generated-schemas.ts';
import { projected } from '../ingest/reference.ts';
import { seeded } from '../ingest/seeded.ts';
import { quietEffects } from '../support/effects.ts';
import { sampleSeed } from '../support/sampled.ts';
import { shareRehearsal } from '../support/shared-rehearsal.ts';

/* MEETUP_LANDING_SCHEMAS sets how many schemas to try. MEETUP_SAMPLE_SEED repeats those of a run. */
const schemas = Number(process.env.MEETUP_LANDING_SCHEMAS ?? (process.env.MEETUP_ALL_CASES === '1' ? 150 : 15));
const RECORDS = 72;

const effects = quietEffects({ env: process.env });
let folder: string;
let connection: DatabricksConnection;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meetup-spark-check-'));
  const toolchain = process.env.MEETUP_TOOLCHAIN_DIR ?? join(projectRoot, '.meetup/toolchain');
  const paths = resolvePaths({ stateDir: join(folder, 'state') }, { MEETUP_TOOLCHAIN_DIR: toolchain }, folder);
  await shareRehearsal(paths.state, effects);
  connection = await connectTarget(await remoteTarget('rehearsal', paths, effects), effects);
}, 600_000);

afterAll(async () => {
  await connection?.close();
  await rm(folder, { recursive: true, force: true });
});

const rowsSchema = z.array(z.object({ i: z.coerce.number(), record: z.string() }));

/** The values of the texts that pass the check, by their places, as Spark reads them; undefined if the schema has none. */
async function passing(
  { schema, record }: Contract,
  texts: readonly string[],
): Promise<ReadonlyMap<number, unknown> | undefined> {
  const check = sparkCheck(schema, record, 'record_text');
  if (check === undefined) return undefined;
  const list = texts.map((text, i) => `(${i}, ${quoteText(text)})`).join(', ');
  const read = `from_json(record_text, ${quoteText(databricksType(sqlType(record)))})`;
  const rows = rowsSchema.parse(
    await connection.rows(
      `select i, to_json(${read}, map('ignoreNullFields', 'false')) as record from values ${list} as t(i, record_text) where ${check} order by i`,
    ),
  );
  return new Map(rows.map((row) => [row.i, JSON.parse(row.record)]));
}

describe('what a schema finds beyond doubt in Spark', () => {
  it(
    `is valid to ajv, and has the values that JSON.parse reads, for ${schemas} random schemas with a check (sample ${sampleSeed})`,
    async () => {
      let certain = 0;
      let tried = 0;
      for (let number = 0; tried < schemas; number += 1) {
        const random = seeded(sampleSeed * 1000 + number);
        const schema = generateSchema(random);
        const contract = contractOf(schema, newAjv());
        const texts = Array.from({ length: RECORDS }, () => recordText(schema, random));
        const passed = await passing(contract, texts);
        if (passed === undefined) continue;
        tried += 1;
        for (const [i, stored] of passed) {
          const text = texts[i] ?? '';
          const value: unknown = JSON.parse(text);
          const expected = { reasons: [], stored: projected(value, contract.record) };
          const reasons = contract.validate({ text, value });
          expect({ schema, text, reasons, stored }).toEqual({ schema, text, ...expected });
          certain += 1;
        }
      }
      expect(certain).toBeGreaterThan(schemas / 2);
    },
    schemas * 20_000,
  );

  it('is nearly everything that is valid in the entities of this project', async () => {
    const contracts = await readContracts(resolvePaths({}, {}, projectRoot).schemas);
    const event = {
      group_id: 1,
      name: 'a',
      created: 1,
      time: 2,
      status: 'past',
      rsvps: [{ user_id: 1, when: 3, response: 'yes' }],
    };
    const texts = [
      event,
      { ...event, rsvps: [] },
      { ...event, unlisted: [{}] },
      { ...event, time: '2' },
      { ...event, Time: 2 },
    ];
    const contract = contracts.get('events');
    if (contract === undefined) throw new TypeError('There are no events.');
    const passed = await passing(
      contract,
      texts.map((text) => JSON.stringify(text)),
    );
    expect([...(passed?.keys() ?? [])]).toEqual([0, 1, 2]);
  });
});
