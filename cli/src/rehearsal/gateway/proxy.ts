import { createServer, type Server } from 'node:http';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';

/**
 * A proxy with a single destination: connections to `host:443` lead to the gateway. dbt-databricks insists on port 443, on which
 * only an administrator may listen; a made-up host name and this proxy make that unnecessary.
 */
export function connectProxy(host: string, gatewayPort: number): Server {
  const server = createServer((_request, response) => {
    response.writeHead(403).end('This proxy leads to the rehearsal only.\n');
  });
  server.on('connect', (request, client: Duplex, head: Buffer) => {
    client.on('error', () => client.destroy());
    if (request.url?.toLowerCase() !== `${host}:443`) {
      client.end('HTTP/1.1 403 Forbidden\r\n\r\n');
      return;
    }
    const gateway = connect(gatewayPort, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      gateway.write(head);
      gateway.pipe(client).pipe(gateway);
    });
    gateway.on('error', () => client.destroy());
    gateway.on('close', () => client.destroy());
    client.on('close', () => gateway.destroy());
  });
  return server;
}
