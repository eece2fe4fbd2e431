import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { ServerCertificate } from '../certificate/certificate.ts';
import { decodeMessage, encodeMessage } from '../thrift/message.ts';
import type { Tickets } from '../volumes/tickets.ts';
import { STAGING, transfer } from '../volumes/transfer.ts';
import type { Gateway } from './gateway.ts';

/** The largest message from a client (bytes): even generated statements are far smaller. */
const LONGEST_MESSAGE = 64 * 1024 * 1024;

/** dbt-databricks and Databricks' SDK request this three times before anything else. */
const ABOUT = '/.well-known/databricks-config';

export interface HttpsBackend {
  readonly gateway: Gateway;
  readonly tickets: Tickets;
  readonly token: string;
  readonly log: (line: string) => void;
}

/** https://docs.databricks.com/api/workspace/statementexecution, which some drivers can use instead of Thrift. */
const STATEMENT_API = '/api/2.0/sql/';
const NO_STATEMENT_API =
  "The rehearsal has no Statement Execution API: leave the driver's protocol at its default, Thrift (use_sea=False).";

const ERROR_CODES: Readonly<Record<number, string>> = { 401: 'UNAUTHENTICATED', 501: 'NOT_IMPLEMENTED' };

/** The HTTPS server that Databricks' clients talk to. */
export function httpsServer({ certificate, key }: ServerCertificate, backend: HttpsBackend): Server {
  const server = createServer({ cert: certificate, key, minVersion: 'TLSv1.2' }, (request, response) => {
    answer(backend, request, response).catch((error: unknown) => {
      backend.log(`${request.method} ${request.url?.split('?')[0]}: ${error instanceof Error ? error.stack : error}`);
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
  // Statements may take any time, and clients reuse idle connections.
  server.requestTimeout = 0;
  server.keepAliveTimeout = 120_000;
  return server;
}

async function answer(backend: HttpsBackend, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = request.url ?? '/';
  if (url.startsWith(STAGING)) return transfer(backend.tickets, request, response);
  if (request.method === 'GET' && url === ABOUT) return describeHost(response);
  if (url.startsWith(STATEMENT_API)) return refuse(response, 501, NO_STATEMENT_API);
  if (request.method !== 'POST' || !url.startsWith('/sql/'))
    return refuse(response, 404, 'The rehearsal has no such page.');
  if (!isAuthorized(request, backend.token)) return refuse(response, 401, "This is not the rehearsal's token.");
  const body = await bodyOf(request);
  if (body === undefined) return refuse(response, 413, 'The statement is too long.');
  const origin = `https://${request.headers.host ?? ''}`;
  const reply = encodeMessage(await backend.gateway.answer(decodeMessage(body), origin));
  response.writeHead(200, { 'content-type': 'application/x-thrift', 'content-length': reply.length }).end(reply);
}

/** An empty configuration makes clients use their defaults. */
function describeHost(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
}

function isAuthorized(request: IncomingMessage, token: string): boolean {
  const given = Buffer.from(/^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '');
  const wanted = Buffer.from(token);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

function refuse(response: ServerResponse, status: number, message: string): void {
  const body = JSON.stringify({ error_code: ERROR_CODES[status] ?? 'NOT_FOUND', message });
  response.writeHead(status, { 'content-type': 'application/json', 'x-thriftserver-error-message': message }).end(body);
}

async function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request) {
    size += part.length;
    if (size > LONGEST_MESSAGE) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts);
}
