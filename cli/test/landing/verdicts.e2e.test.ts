import { isDeepStrictEqual } from 'node:util';
import { formatNames } from 'ajv-formats/dist/formats.js';
import { beforeAll, describe, expect, it } from 'vitest';
import { contractOf, newAjv } from '../../src/ingest/schemas.ts';
import { rulesOf } from '../../src/landing/rules.ts';
import { generateSchema, recordText } from '../ingest/generated-schemas.ts';
import { seeded } from '../ingest/seeded.ts';
import { installLanding, runPython } from './python.ts';

/* MEETUP_INGEST_SCHEMAS sets how many schemas to try, each with 24 records, and MEETUP_INGEST_SEED which ones. */
const schemas = Number(process.env.MEETUP_INGEST_SCHEMAS ?? 100);
const seed = Number(process.env.MEETUP_INGEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const RECORDS = 24;

interface Case {
  readonly schema: object;
  readonly texts: readonly string[];
}

const isValid = (reasons: unknown): boolean => Array.isArray(reasons) && reasons.length === 0;

beforeAll(installLanding, 600_000);

/**
 * What ajv and the task say about each text that they don't agree about. ajv has more reasons about unevaluated properties than the task,
 * so with such a schema only the verdicts are compared.
 */
async function differences(cases: readonly Case[]): Promise<object[]> {
  const contracts = cases.map(({ schema }) => contractOf(schema, newAjv()));
  const input = cases.map(({ texts }, i) => {
    const contract = contracts[i];
    return JSON.stringify({ rules: contract && rulesOf(contract), texts });
  });
  const output = (await runPython('judge_all.py', [], { input: input.join('\n') })).split('\n');
  return cases.flatMap(({ schema, texts }, i) => {
    const judged: unknown = JSON.parse(output[i] ?? '[]');
    return texts.flatMap((text, at) => {
      const ajv = contracts[i]?.validate({ text, value: JSON.parse(text) });
      const task: unknown = Array.isArray(judged) ? judged[at] : undefined;
      const isVerdict = JSON.stringify(schema).includes('"unevaluated');
      const compared = (reasons: unknown) => (isVerdict ? isValid(reasons) : reasons);
      return isDeepStrictEqual(compared(task), compared(ajv)) ? [] : [{ schema, text, ajv, task }];
    });
  });
}

describe('the task that loads landed files', () => {
  it(
    `gives every record of ${schemas} random schemas the verdict and the reasons that load does (seed ${seed})`,
    async () => {
      const cases = Array.from({ length: schemas }, (_, i): Case => {
        const random = seeded(seed + i);
        const schema = generateSchema(random);
        return { schema, texts: Array.from({ length: RECORDS }, () => recordText(schema, random)) };
      });
      expect((await differences(cases)).slice(0, 5)).toEqual([]);
    },
    schemas * 2000,
  );

  it('gives every format the verdict that load does', async () => {
    const random = seeded(seed);
    const schema = (format: string) => ({ type: 'object', properties: { a: { format } }, required: ['a'] });
    const near = [...TEXTS.flatMap((text) => Array.from({ length: 30 }, () => changed(text, random))), ...TEXTS];
    const values: unknown[] = [...near, 1, 1.5, 2 ** 31, -(2 ** 31), 2 ** 31 - 1, true, null];
    const texts = values.map((a) => JSON.stringify({ a }));
    expect(await differences(formatNames.map((format) => ({ schema: schema(format), texts })))).toEqual([]);
  });

  it('judges numbers and repeated keys as JSON.parse reads them', async () => {
    const number = {
      type: 'object',
      properties: { a: { type: 'number', multipleOf: 0.1 }, b: { enum: [1e21, 1e-7, -0, 0.1] } },
    };
    const tokens = [
      '0.3',
      '1e21',
      '1e400',
      '-0',
      '1.0',
      '123456789012345678',
      '1e22',
      '0.0000001',
      '100000000000000000000',
    ];
    const texts = tokens.flatMap((token) => [`{"a":${token}}`, `{"b":${token}}`, `{"a":"x","a":${token}}`]);
    expect(await differences([{ schema: number, texts }])).toEqual([]);
  });
});

/** Texts that have some format. */
const TEXTS = [
  '2024-02-29',
  '23:59:60Z',
  '12:30:59.5+02:00',
  '2026-01-28T10:00:00Z',
  '2026-01-28 10:00:00',
  'P1Y2M3DT4H5M6S',
  'https://user@example.org:80/a/b.c?d=e#f',
  'mailto:a.b@example.org',
  'http://[2001:db8::7]/c',
  '/a~0b/c~1d',
  'https://example.org/{id}{?q,r*}',
  'a.b+c@example.co.uk',
  'my-host.example.org',
  '192.168.10.255',
  '2001:db8::8a2e:370:7334',
  '^[a-z]+(?:b|c)$',
  '(',
  '123e4567-e89b-12d3-a456-426614174000',
  '2/a~1b',
  'aGVsbG8=',
  'two\nlines',
  '',
  '☕',
];

/** A text with one character removed, doubled or replaced. */
function changed(text: string, random: () => number): string {
  const at = Math.floor(random() * text.length);
  const put =
    ['', text.charAt(at).repeat(2), ':', '.', '-', 'Z', '9', '6', ' ', 'é', '%', '/', '\n'][
      Math.floor(random() * 13)
    ] ?? '';
  return text.slice(0, at) + put + text.slice(at + 1);
}
