import { createWriteStream } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { hasCode } from '../../config/errors.ts';
import type { Ticket, Tickets } from './tickets.ts';
import { UPLOADING } from './volumes.ts';

/** The path of presigned URLs. */
export const STAGING = '/_staging/';

/** Handles a request to a presigned URL: an upload, a download or a removal. */
export async function transfer(tickets: Tickets, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const name = (request.url ?? '').slice(STAGING.length);
  const ticket = tickets.redeem(name, request.method);
  if (ticket === undefined) {
    response.writeHead(403).end();
    return;
  }
  if (ticket.method === 'PUT') await receive(ticket, name, request, response);
  else if (ticket.method === 'GET') await send(ticket, response);
  else await remove(ticket, response);
}

/** Receives an upload into a temporary file next to its destination, so that the file is replaced atomically. */
async function receive(
  { file }: Ticket,
  name: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const beside = join(dirname(file), `${UPLOADING}${name}`);
  try {
    await pipeline(request, createWriteStream(beside, { mode: 0o600 }));
    const announced = request.headers['content-length'];
    if (announced !== undefined && (await stat(beside)).size !== Number(announced)) {
      response.writeHead(400).end();
      return;
    }
    const written = await open(beside, 'r+');
    await written.sync();
    await written.close();
    await rename(beside, file);
    response.writeHead(200).end();
  } finally {
    await rm(beside, { force: true });
  }
}

async function send({ file }: Ticket, response: ServerResponse): Promise<void> {
  let opened: FileHandle;
  try {
    opened = await open(file);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    response.writeHead(404).end();
    return;
  }
  try {
    const found = await opened.stat();
    if (!found.isFile()) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': found.size });
    await pipeline(opened.createReadStream({ autoClose: false }), response);
  } finally {
    await opened.close();
  }
}

/** Answers 204 even if the file doesn't exist, as cloud storage does. */
async function remove({ file }: Ticket, response: ServerResponse): Promise<void> {
  try {
    await rm(file);
    response.writeHead(204).end();
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'ERR_FS_EISDIR')) throw error;
    response.writeHead(hasCode(error, 'ENOENT') ? 204 : 404).end();
  }
}
