import { createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { listen } from '../../src/rehearsal/gateway/listen.ts';
import { decodeMessage, encodeMessage, type Message, replyOf } from '../../src/rehearsal/thrift/message.ts';
import { Struct } from '../../src/rehearsal/thrift/struct.ts';

/** Starts a server like Spark's that accepts every client and answers calls with `answer`. */
export async function server(answer: (call: Message, client: Socket) => void) {
  const clients: Socket[] = [];
  const listening = createServer((client) => {
    clients.push(client);
    client.on('error', () => undefined);
    let received = Buffer.alloc(0);
    let greeted = 0;
    client.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      for (;;) {
        const head = greeted < 2 ? 5 : 4;
        if (received.length < head) return;
        const length = received.readUInt32BE(head - 4);
        if (received.length < head + length) return;
        const payload = received.subarray(head, head + length);
        received = received.subarray(head + length);
        if (greeted === 2) answer(decodeMessage(payload), client);
        else if (++greeted === 2) client.write(Buffer.from([5, 0, 0, 0, 0]));
      }
    });
  });
  const port = await listen(listening);
  onTestFinished(() => {
    for (const client of clients) client.destroy();
    listening.close();
  });
  return { port, clients };
}

export const frame = (message: Message): Buffer => {
  const bytes = encodeMessage(message);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
};

export const echo = (call: Message): Buffer => frame(replyOf(call, call.body.struct(1) ?? new Struct()));
