import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { request, type Server } from 'node:http';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { makeCertificate } from '../../src/rehearsal/certificate/certificate.ts';
import { Gateway } from '../../src/rehearsal/gateway/gateway.ts';
import { httpsServer } from '../../src/rehearsal/gateway/https.ts';
import { listen } from '../../src/rehearsal/gateway/listen.ts';
import { connectProxy } from '../../src/rehearsal/gateway/proxy.ts';
import { HOST, HTTP_PATH } from '../../src/rehearsal/supervisor/launch.ts';
import { Tickets } from '../../src/rehearsal/volumes/tickets.ts';
import { Volumes } from '../../src/rehearsal/volumes/volumes.ts';
import { connectDatabricks } from '../../src/warehouse/databricks.ts';
import { temporaryFolder } from '../support/effects.ts';
import { FakeSpark } from './fake-spark.ts';

/** Starts a gateway and a proxy, with a fake Spark behind them. */
async function startServers() {
  const spark = new FakeSpark();
  const now = (): number => Date.now();
  const tickets = new Tickets(now);
  const links = { call: spark.call, own: () => Promise.resolve(spark) };
  const gateway = new Gateway({ links, volumes: new Volumes('/nowhere'), tickets, now });
  const certificate = makeCertificate([HOST, 'localhost', '127.0.0.1'], now());
  const caFile = join(await temporaryFolder(), 'ca.pem');
  await writeFile(caFile, certificate.ca);
  const server = httpsServer(certificate, { gateway, tickets, token: 'secret', log: () => undefined });
  const port = await listen(server);
  const proxy = connectProxy(HOST, port);
  const proxyPort = await listen(proxy);
  onTestFinished(() => {
    server.close().closeAllConnections();
    proxy.close().closeAllConnections();
  });
  return { server, proxy, port, proxyPort, caFile };
}

const addressOf = (server: Pick<Server, 'address'>): unknown => {
  const address = server.address();
  return typeof address === 'string' ? address : address?.address;
};

/** The proxy's status code for a CONNECT request. */
async function statusOfConnect(target: string, proxyPort: number): Promise<number | undefined> {
  const connecting = request({ host: '127.0.0.1', port: proxyPort, method: 'CONNECT', path: target }).end();
  const [response, socket] = await once(connecting, 'connect');
  socket.destroy();
  return response.statusCode;
}

describe('the gateway', () => {
  it('accepts a driver that connects to its address and trusts its authority', async () => {
    const { port, caFile } = await startServers();
    const place = { host: '127.0.0.1', port, httpPath: HTTP_PATH, token: 'secret', caFile };
    const warehouse = await connectDatabricks({ ...place, attempts: 1 });
    expect(await warehouse.rows('select 7 as n')).toEqual([{ n: 7 }]);
    await warehouse.close();
  });

  it('listens only on the loopback interface, as does the proxy', async () => {
    const { server, proxy, port, proxyPort } = await startServers();
    expect([addressOf(server), addressOf(proxy)]).toEqual(['127.0.0.1', '127.0.0.1']);
    const outside = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
    for (const { address, internal, family } of outside) {
      if (internal || family !== 'IPv4') continue;
      for (const each of [port, proxyPort]) await expect(once(connect(each, address), 'connect')).rejects.toThrow();
    }
  });
});

describe('the proxy', () => {
  it("connects to the rehearsal's host name, in any case", async () => {
    const { proxyPort } = await startServers();
    expect(await statusOfConnect(`${HOST}:443`, proxyPort)).toBe(200);
    expect(await statusOfConnect(`${HOST.toUpperCase()}:443`, proxyPort)).toBe(200);
  });

  it.each(['example.org:443', '127.0.0.1:443', 'localhost:22', `${HOST}:80`, `${HOST}.example.org:443`])(
    'connects to nothing else: %s',
    async (target) => {
      const { proxyPort } = await startServers();
      expect(await statusOfConnect(target, proxyPort)).toBe(403);
    },
  );

  it('rejects plain HTTP requests', async () => {
    const { proxyPort } = await startServers();
    const response = await fetch(`http://127.0.0.1:${proxyPort}/`);
    expect(response.status).toBe(403);
  });
});
