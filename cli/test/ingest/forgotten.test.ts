import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { redactFile, replaceFile } from '../../src/ingest/forgotten/redact-file.ts';
import { redactionOf, withoutRemoved } from '../../src/ingest/forgotten/redact-record.ts';
import { withoutRemovedText } from '../../src/ingest/forgotten/redact-text.ts';
import { readTombstones, TOMBSTONES, Tombstones } from '../../src/ingest/forgotten/tombstones.ts';
import { type Contracts, contractOf, newAjv } from '../../src/ingest/schemas.ts';
import { temporaryFolder, temporaryPaths } from '../support/effects.ts';
import { event, group, loadAll, put, rowsOf } from './support.ts';

const integer = { type: 'integer' };
const text = { type: ['string', 'null'] };

/** Members, and posts that refer to them in every way that a schema can say. */
const contracts: Contracts = new Map(
  Object.entries({
    members: {
      'x-meetup': { key: ['member_id'] },
      type: 'object',
      required: ['member_id'],
      properties: { member_id: integer, name: text },
    },
    posts: {
      'x-meetup': { key: ['post_id'] },
      type: 'object',
      required: ['post_id', 'written_by'],
      properties: {
        post_id: integer,
        written_by: { ...integer, 'x-meetup': { references: 'members' } },
        edited_by: { type: ['integer', 'null'], 'x-meetup': { references: 'members' } },
        checked_by: { type: ['integer', 'null'], 'x-meetup': { references: 'members', onForget: 'remove' } },
        readers: { type: 'array', items: { ...integer, 'x-meetup': { references: 'members' } } },
        signers: { type: 'array', minItems: 1, items: { ...integer, 'x-meetup': { references: 'members' } } },
        author: { type: 'object', required: ['member_id'], properties: { member_id: integer, name: text } },
        comments: {
          type: 'array',
          items: {
            type: 'object',
            properties: {
              member_id: integer,
              text,
              answers_to: { type: ['integer', 'null'], 'x-meetup': { references: 'members', onForget: 'null' } },
            },
          },
        },
        pages: {
          type: 'array',
          items: { type: 'object', properties: { member_id: { ...integer, 'x-meetup': { references: false } } } },
        },
      },
    },
  }).map(([name, schema]) => [name, contractOf(schema, newAjv())]),
);
const forgotten = new Tombstones('00'.repeat(32), []).with('members', ['member_id'], ['7'], 0).all;

/** What is left of a post, as a value and as text; `removed` if nothing is. */
function left(post: object, spaces = 0): unknown {
  const redact = redactionOf('posts', contracts, forgotten);
  const record = { post_id: 1, written_by: 1, ...post };
  const redaction = redact?.(record);
  if (redaction?.kind !== 'changed') return redaction?.kind;
  const value = withoutRemoved(record, redaction.removals);
  expect(JSON.parse(withoutRemovedText(JSON.stringify(record, null, spaces), redaction.removals))).toEqual(value);
  const { post_id: _, written_by: __, ...rest } = value;
  return rest;
}

describe('what refers to a forgotten record', () => {
  it.each<[string, object, unknown]>([
    ['removes the record if it is required there', { written_by: 7 }, 'removed'],
    ['becomes null where the schema allows null', { edited_by: 7 }, { edited_by: null }],
    ['removes the record if its schema says so', { checked_by: 7 }, 'removed'],
    ['is taken out of a list of keys', { readers: [7, 1, 7, 2] }, { readers: [1, 2] }],
    ['leaves an empty list if there was nothing else', { readers: [7] }, { readers: [] }],
    ['removes the record if its list may not lack an item', { signers: [7, 1] }, 'removed'],
    ['goes with the object that is about it', { author: { member_id: 7, name: 'A' } }, {}],
    [
      'goes with its item of a list',
      {
        comments: [
          { member_id: 7, text: 'a' },
          { member_id: 1, text: 'b' },
        ],
      },
      { comments: [{ member_id: 1, text: 'b' }] },
    ],
    [
      'is only emptied if its schema says so',
      { comments: [{ member_id: 1, answers_to: 7 }] },
      { comments: [{ member_id: 1, answers_to: null }] },
    ],
    ['is found as text too, which makes a record invalid', { comments: [{ member_id: '7' }] }, { comments: [] }],
    [
      'is found in properties that the schema does not have',
      { sent: { to: { member_id: 7, name: 'A' } }, member_id: 7 },
      { sent: { to: { name: 'A' } } },
    ],
    ['is not found where the schema says that it is something else', { pages: [{ member_id: 7 }] }, 'untouched'],
    ['is not found in other properties', { post_id: 7, readers: [70, 17] }, 'untouched'],
  ])('%s', (_, post, expected) => {
    expect(left(post)).toEqual(expected);
    expect(left(post, 2)).toEqual(expected);
  });

  it('removes the record itself, by its key', () => {
    const redact = redactionOf('members', contracts, forgotten);
    expect([{ member_id: 7 }, { member_id: '7' }, { member_id: 8 }].map((record) => redact?.(record).kind)).toEqual([
      'removed',
      'removed',
      'untouched',
    ]);
  });
});

describe('a file with forgotten records', () => {
  const redact = redactionOf('members', contracts, forgotten);

  it.each<[string, string, string]>([
    [
      'an array on lines',
      '[\n{"member_id": 1},\n{"member_id": 7},\n{"member_id":2}\n]\n',
      '[\n{"member_id": 1},\n{"member_id":2}\n]\n',
    ],
    ['the first of an array', ' [ {"member_id":7} , {"member_id": 1}]', ' [ {"member_id": 1}]'],
    ['the last of an array', '[{"member_id":1},\n  {"member_id":7}\n]', '[{"member_id":1}\n]'],
    ['the only one of an array', '[\n  {"member_id":7}\n]\n', '[\n  \n]\n'],
    [
      'lines',
      '{"member_id":7}\n\n{"member_id":1}\r\n{"member_id":7}\r\n{"member_id":2}\n',
      '{"member_id":1}\r\n{"member_id":2}\n',
    ],
    ['the last line without its end', '{"member_id":1}\n{"member_id":7}', '{"member_id":1}'],
    [
      'braces and quotes in texts',
      '[{"member_id":1,"name":"]},\\"{["},{"member_id":7,"name":"]"}]',
      '[{"member_id":1,"name":"]},\\"{["}]',
    ],
  ])('keeps every other byte: %s', async (_, before, after) => {
    const folder = await temporaryFolder();
    const paths = { data: folder };
    for (const [name, packed] of [
      ['members.json', false],
      ['members.json.gz', true],
    ] as const) {
      const path = join(folder, name);
      await put({ ...(await temporaryPaths()), ...paths }, name, packed ? gzipSync(before) : before);
      if (redact === undefined) throw new Error('Nothing is forgotten.');
      const redacted = await redactFile(path, redact);
      if (redacted === undefined) throw new Error('Nothing was found.');
      await replaceFile(redacted);
      const bytes = await readFile(path);
      expect((packed ? gunzipSync(bytes) : bytes).toString()).toBe(after);
      expect(redacted.bytes).toBe(bytes.length);
    }
  });

  it('is refused without its content if it is not JSON', async () => {
    const paths = await temporaryPaths();
    await put(paths, 'members.json', '{"member_id": 7, "name": Anna}');
    if (redact === undefined) throw new Error('Nothing is forgotten.');
    await expect(redactFile(join(paths.data, 'members.json'), redact)).rejects.toThrow(
      /members\.json can't be searched .* \(record 0 is not JSON\)/,
    );
    await expect(redactFile(join(paths.data, 'members.json'), redact)).rejects.not.toThrow('Anna');
  });
});

describe('load after something was forgotten', () => {
  const user = (id: number) => ({ user_id: id, hometown: `Town ${id}`, memberships: [] });

  async function forgetting(): Promise<Awaited<ReturnType<typeof temporaryPaths>>> {
    const paths = await temporaryPaths();
    await put(paths, 'groups.json', [group(1)]);
    await (await readTombstones(paths.data)).with('users', ['user_id'], ['2'], 0).all.write(paths.data);
    return paths;
  }

  it('takes it out of a new file before the database sees it, and loads the rest', async () => {
    const paths = await forgetting();
    await put(paths, 'users.json', [user(1), user(2), { ...user(2), country: 'nowhere' }]);
    await put(paths, 'events.json', [
      event({ rsvps: [1, 2].map((id) => ({ user_id: id, when: 1_700_100_000_000, response: 'yes' })) }),
    ]);
    const report = await loadAll(paths);
    expect(report.batches).toMatchObject([{ status: 'loaded', forgotten: 3 }]);
    expect(report.entities).toMatchObject({ users: { read: 1, rejected: 0 }, events: { read: 1 } });
    expect(
      await rowsOf(paths, 'select user_id from raw.users union all select unnest(rsvps).user_id from raw.events'),
    ).toEqual([[1], [1]]);
    expect(await readFile(join(paths.data, 'users.json'), 'utf8')).not.toContain('Town 2');
  });

  it('loads nothing if the same file comes back with it', async () => {
    const paths = await forgetting();
    await put(paths, 'users.json', [user(1), user(2)]);
    await loadAll(paths);
    await put(paths, 'users.json', [user(1), user(2)]);
    const report = await loadAll(paths);
    expect(report).toMatchObject({ status: 'unchanged', batches: [{ forgotten: 1 }] });
    expect(await readFile(join(paths.data, 'users.json'), 'utf8')).not.toContain('Town 2');
  });

  it('loads nothing at all if the tombstones are damaged', async () => {
    const paths = await forgetting();
    await put(paths, TOMBSTONES, '{');
    await expect(loadAll(paths)).rejects.toThrow(
      /\.forgotten\.json, which says .* can't be used: restore it from a backup/,
    );
  });

  it('keeps hashes only, which nobody else can read', async () => {
    const paths = await forgetting();
    const file = join(paths.data, TOMBSTONES);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({
      forgotten: [{ entity: 'users', hash: expect.stringMatching(/^[0-9a-f]{64}$/) }],
    });
  });
});
