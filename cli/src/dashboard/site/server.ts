import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { hasCode, MeetupError } from '../../config/errors.ts';
import { sentenceOf } from '../../config/explain.ts';
import type { Paths } from '../../config/paths.ts';
import { scriptOrProblem } from '../data/page-data.ts';
import { type LineageSource, Publication } from '../data/publication.ts';
import type { Page } from '../page/types.ts';
import { dataSetsOf } from '../shared/addresses.ts';
import { inputsFrom } from '../shared/inputs.ts';
import { assetTypes, readAsset } from './assets.ts';
import { countriesIn, parseBox } from './atlas.ts';
import { type Change, watchSite } from './live.ts';
import { type PageContent, pageHtml } from './page-html.ts';
import { readSite, type Site } from './site.ts';
import { streamData } from './stream-data.ts';
import { cookieName, isAuthorized } from './token.ts';

/** Nothing from elsewhere, no frames; charts style their SVG inline. */
const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};

interface Reply {
  readonly status: number;
  readonly type: string;
  readonly body: string | Buffer;
}

interface Started {
  readonly server: Server;
  readonly port: number;
  readonly columnLineage: LineageSource | undefined;
}

/** The dashboard's server, on the loopback interface. Reads the database that is published when a request comes in. */
export class DashboardServer {
  readonly port: number;
  readonly #paths: Paths;
  readonly #token: string;
  readonly #server: Server;
  readonly #columnLineage: LineageSource | undefined;
  readonly #listeners = new Set<ServerResponse>();
  #unwatch: () => void = () => undefined;
  #publication: Promise<Publication> | undefined;
  #pages: Promise<Site> | undefined;
  #sqlFiles: readonly string[] = [];

  private constructor(paths: Paths, token: string, { server, port, columnLineage }: Started) {
    this.#paths = paths;
    this.#token = token;
    this.#server = server;
    this.#columnLineage = columnLineage;
    this.port = port;
  }

  /**
   * Starts to serve.
   * @param columnLineage is asked once a page reads the lineage of columns.
   * @throws MeetupError if the port is taken.
   */
  static async start(
    paths: Paths,
    token: string,
    port: number,
    columnLineage?: LineageSource,
  ): Promise<DashboardServer> {
    const server = createServer();
    const listening = once(server, 'listening');
    server.listen(port, '127.0.0.1');
    try {
      await listening;
    } catch (error) {
      if (!hasCode(error, 'EADDRINUSE', 'EACCES')) throw error;
      throw new MeetupError(
        `Port ${port} can't be used, perhaps because another dashboard is running: choose another with --port, or 0 for any free one.`,
        { cause: error },
      );
    }
    const address = server.address();
    if (address === null || typeof address === 'string') throw new TypeError('A TCP server has a port.');
    const dashboard = new DashboardServer(paths, token, { server, port: address.port, columnLineage });
    dashboard.#unwatch = await watchSite(
      paths,
      () => dashboard.#sqlFiles,
      (change) => dashboard.#changed(change),
    );
    server.on('request', (request, response) => void dashboard.#answer(request, response));
    return dashboard;
  }

  /** The address to open, with the token that grants access. */
  get address(): string {
    return `http://127.0.0.1:${this.port}/?token=${this.#token}`;
  }

  async close(): Promise<void> {
    this.#unwatch();
    for (const listener of this.#listeners) listener.end();
    this.#server.closeAllConnections();
    this.#server.close();
    await this.#publication?.then((publication) => publication.retire()).catch(() => undefined);
  }

  #changed(change: Change): void {
    if (change === 'pages') this.#pages = undefined;
    const old = this.#publication;
    this.#publication = undefined;
    old?.then((publication) => publication.retire()).catch(() => undefined);
    for (const listener of this.#listeners) listener.write(`event: ${change}\ndata: {}\n\n`);
  }

  /** The pages, read again when one of them has changed. */
  #site(): Promise<Site> {
    this.#pages ??= readSite(this.#paths).then(
      (site) => {
        this.#sqlFiles = [
          ...new Set(
            site.pages.flatMap(({ file, queries }) => queries.map((one) => one.file).filter((sql) => sql !== file)),
          ),
        ];
        return site;
      },
      (error: unknown) => {
        this.#pages = undefined;
        throw error;
      },
    );
    return this.#pages;
  }

  /** The current publication; opened again with the next request if it can't be opened. */
  #current(): Promise<Publication> {
    this.#publication ??= Publication.open(this.#paths, this.#columnLineage).catch((error: unknown) => {
      this.#publication = undefined;
      throw error;
    });
    return this.#publication;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', `http://127.0.0.1:${this.port}`);
    try {
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        return send(request, response, plain(405, 'The dashboard only reads.'));
      }
      // Another host name would mean that a page elsewhere has pointed its own name at this machine.
      if (![`127.0.0.1:${this.port}`, `localhost:${this.port}`].includes(request.headers.host ?? '')) {
        return send(
          request,
          response,
          plain(421, 'Open the dashboard by the address that `meetup dashboard` printed.'),
        );
      }
      if (!isAuthorized(request, url.searchParams, this.#token, this.port)) {
        return send(
          request,
          response,
          plain(401, 'Open the dashboard by the address that `meetup dashboard` printed: it holds a token.'),
        );
      }
      if (url.searchParams.has('token')) return this.#remember(response, url);
      if (url.pathname === '/events') return this.#listen(request, response);
      const [, id, rest = ''] = /^\/data\/([\w-]+)(?:\.json|\/(.*))$/.exec(url.pathname) ?? [];
      if (id === undefined) send(request, response, await this.#reply(url));
      else await this.#data(request, response, { id, rest, search: url.searchParams });
    } catch (error) {
      send(request, response, plain(500, sentenceOf(error)));
    }
  }

  /** Moves the token from the address into a cookie, so that links can be shared without it. */
  #remember(response: ServerResponse, url: URL): void {
    url.searchParams.delete('token');
    response.writeHead(303, {
      ...HEADERS,
      location: `${url.pathname}${url.search}`,
      'set-cookie': `${cookieName(this.port)}=${this.#token}; HttpOnly; SameSite=Strict; Path=/`,
    });
    response.end();
  }

  #listen(request: IncomingMessage, response: ServerResponse): void {
    response.writeHead(200, { ...HEADERS, 'content-type': 'text/event-stream' });
    response.write('retry: 500\n\n');
    this.#listeners.add(response);
    request.on('close', () => this.#listeners.delete(response));
  }

  async #reply(url: URL): Promise<Reply> {
    const path = url.pathname.slice(1);
    if (path === 'assets/client.js' || path === 'assets/client.css') {
      const name = path === 'assets/client.js' ? 'client.js' : 'client.css';
      return { status: 200, type: assetTypes[name], body: await readAsset(name) };
    }
    if (path === 'atlas.json') return atlasReply(url.searchParams.get('box') ?? '');
    return this.#page(path.replace(/\.html$/, ''));
  }

  async #page(id: string): Promise<Reply> {
    let site: Site;
    try {
      site = await this.#site();
    } catch (error) {
      return html(200, await pageHtml({ title: 'Dashboard', pages: [] }, id, problem('Dashboard', sentenceOf(error))));
    }
    const page = id === '' || id === 'index' ? site.pages[0] : site.pages.find((one) => one.id === id);
    if (page === undefined)
      return html(404, await pageHtml(site, id, problem('No such page', `There is no page ${id}.`)));
    return html(200, await this.#rendered(site, page));
  }

  async #rendered(site: Site, page: Page): Promise<string> {
    const html = (content: PageContent): Promise<string> => pageHtml(site, page.id, content);
    try {
      return await (await this.#current()).use(async (publication) => {
        const script = await scriptOrProblem(page, publication, 'live');
        return html('problem' in script ? problem(page.title, script.problem) : { page, script, publication });
      });
    } catch (error) {
      return html(problem(page.title, sentenceOf(error)));
    }
  }

  async #data(request: IncomingMessage, response: ServerResponse, { id, rest, search }: Asked): Promise<void> {
    const refuse = (status: number, text: string): void => send(request, response, plain(status, text));
    const site = await this.#site();
    const page = site.pages.find((one) => one.id === id);
    if (page === undefined) return refuse(404, `There is no page ${id}.`);
    await (await this.#current()).use(async (publication) => {
      const script = await scriptOrProblem(page, publication, 'live');
      if ('problem' in script) return refuse(500, script.problem);
      const wanted = rest.split('/')[0] ?? '';
      const keys = dataSetsOf(script.queries).find((set) => set.join('+') === wanted);
      if (keys === undefined) return refuse(404, `The page ${id} has no such data.`);
      const lines = streamData(page, script, keys, inputsFrom(script.inputs, search), publication);
      await sendLines(request, response, lines);
    });
  }
}

/** The data that a page asks for. */
interface Asked {
  readonly id: string;
  /** The inputs that it depends on. */
  readonly rest: string;
  readonly search: URLSearchParams;
}

const problem = (title: string, text: string): PageContent => ({ title, problem: text, mode: 'live' });

async function atlasReply(text: string): Promise<Reply> {
  const box = parseBox(text);
  return box === undefined ? plain(400, 'box takes west,south,east,north in degrees.') : json(await countriesIn(box));
}

const html = (status: number, body: string): Reply => ({ status, type: 'text/html; charset=utf-8', body });
const JSON_TYPE = 'application/json';
const json = (value: unknown): Reply => ({ status: 200, type: JSON_TYPE, body: JSON.stringify(value) });
const plain = (status: number, body: string): Reply => ({ status, type: 'text/plain; charset=utf-8', body });

function send(request: IncomingMessage, response: ServerResponse, { status, type, body }: Reply): void {
  if (response.headersSent) return;
  // On one machine sending costs less than packing, up to a size.
  const packs = body.length > 100_000 && /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
  const bytes = packs ? gzipSync(body, { level: 1 }) : Buffer.from(body);
  response.writeHead(status, {
    ...HEADERS,
    'content-type': type,
    'content-length': bytes.length,
    ...(packs ? { 'content-encoding': 'gzip' } : {}),
  });
  response.end(request.method === 'HEAD' ? undefined : bytes);
}

/** Sends each line when it is there, and stops when the reader is gone. What is cut off can't be taken for all of it. */
async function sendLines(
  request: IncomingMessage,
  response: ServerResponse,
  lines: AsyncIterable<string>,
): Promise<void> {
  response.writeHead(200, { ...HEADERS, 'content-type': JSON_TYPE });
  if (request.method === 'HEAD') return void response.end();
  try {
    for await (const line of lines) {
      if (response.destroyed) return;
      response.write(line);
    }
    response.end();
  } catch (error) {
    response.destroy();
    throw error;
  }
}
