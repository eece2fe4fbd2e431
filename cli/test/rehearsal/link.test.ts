import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { SparkLink, SparkLostError } from '../../src/rehearsal/server-link/link.ts';
import { Struct } from '../../src/rehearsal/thrift/struct.ts';
import { string } from '../../src/rehearsal/thrift/values.ts';
import { echo, server } from './echo-spark.ts';

const message = (text: string): Struct => new Struct([[1, string(text)]]);

async function open(port: number): Promise<SparkLink> {
  const link = await SparkLink.open(port, 'secret');
  onTestFinished(() => link.close());
  return link;
}

describe('a connection to Spark', () => {
  it('makes concurrent calls one after the other, even if answers arrive in pieces', async () => {
    let active = 0;
    let most = 0;
    const { port } = await server(async (call, client) => {
      active += 1;
      most = Math.max(most, active);
      const bytes = echo(call);
      for (const part of [bytes.subarray(0, 2), bytes.subarray(2, 9), bytes.subarray(9)]) {
        client.write(part);
        await delay(5);
      }
      active -= 1;
    });
    const link = await open(port);
    const texts = ['a', 'b', 'c', 'd'];
    const answers = await Promise.all(texts.map((text) => link.call('Echo', message(text))));
    expect(answers.map((answer) => answer.string(1))).toEqual(texts);
    expect(most).toBe(1);
  });

  it('fails all waiting calls when it breaks', async () => {
    const { port } = await server((_call, client) => client.destroy());
    const link = await open(port);
    const asked = [1, 2, 3].map(() => link.call('Echo', message('x')));
    const settled = await Promise.allSettled(asked);
    expect(settled.map((one) => one.status === 'rejected' && one.reason instanceof SparkLostError)).toEqual([
      true,
      true,
      true,
    ]);
    expect(link.alive).toBe(false);
  });

  it('fails waiting calls when it is closed on this side', async () => {
    const { port } = await server(() => undefined);
    const link = await open(port);
    const asked = link.call('Echo', message('x'));
    link.close();
    await expect(asked).rejects.toThrow('it was closed here');
  });

  it('is closed if the other side does not speak Thrift', async () => {
    const { port, clients } = await server((_call, client) => client.write('HTTP/1.1 400 Bad Request\r\n\r\n'));
    const link = await open(port);
    const closed = clients.map((client) => once(client, 'close'));
    await expect(link.call('Echo', message('x'))).rejects.toThrow('its reply is not a Thrift message');
    await Promise.all(closed);
    expect(link.alive).toBe(false);
  });
});
