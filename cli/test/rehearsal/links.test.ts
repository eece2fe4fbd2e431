import { describe, expect, it, onTestFinished } from 'vitest';
import { SparkLostError } from '../../src/rehearsal/server-link/link.ts';
import { SparkLinks } from '../../src/rehearsal/server-link/links.ts';
import { Struct } from '../../src/rehearsal/thrift/struct.ts';
import { i32, i64, string, stringMap } from '../../src/rehearsal/thrift/values.ts';
import { echo, server } from './echo-spark.ts';

/** Connections to a Spark that breaks this number of connections before it answers. */
async function unreliable(breaks: number) {
  const asked: string[] = [];
  let left = breaks;
  const { port } = await server((call, client) => {
    asked.push(call.name);
    if (left-- > 0) client.destroy();
    else client.write(echo(call));
  });
  const links = new SparkLinks(() => Promise.resolve({ port, secret: 'secret' }));
  onTestFinished(() => links.close());
  return { links, asked };
}

const fetching = (orientation: number): Struct =>
  new Struct([
    [2, i32(orientation)],
    [3, i64(10n)],
  ]);
const statement = new Struct([[2, string('insert into t values (1)')]]);
const withKey = statement.with({ 3: stringMap(new Map([['meetup.key', 'a']])) });

describe('a call whose connection breaks', () => {
  it.each([
    ['GetOperationStatus', new Struct()],
    ['GetResultSetMetadata', new Struct()],
    ['CloseOperation', new Struct()],
    ['FetchResults', fetching(3)],
    ['ExecuteStatement', withKey],
  ])('is retried if it is idempotent: %s', async (name, request) => {
    const { links, asked } = await unreliable(2);
    await links.call(name, request);
    expect(asked).toEqual([name, name, name]);
  });

  it.each([
    ['FetchResults', fetching(0)],
    ['ExecuteStatement', statement],
  ])('is not retried if it is not idempotent: %s', async (name, request) => {
    const { links, asked } = await unreliable(1);
    await expect(links.call(name, request)).rejects.toThrow(SparkLostError);
    expect(asked).toEqual([name]);
  });

  it('fails after four attempts', async () => {
    const { links, asked } = await unreliable(9);
    await expect(links.call('GetInfo', new Struct())).rejects.toThrow(SparkLostError);
    expect(asked).toHaveLength(4);
  });

  it('is not retried if its session is gone', async () => {
    const { links, asked } = await unreliable(9);
    await expect(links.call('GetInfo', new Struct(), () => false)).rejects.toThrow(SparkLostError);
    expect(asked).toHaveLength(1);
  });
});
