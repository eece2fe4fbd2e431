import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:tls';
import { expect, it, onTestFinished } from 'vitest';
import { makeCertificate } from '../../src/rehearsal/certificate/certificate.ts';

it('the certificate is valid for its hosts, for 90 days, and only for a server', () => {
  const now = Date.UTC(2026, 10, 24);
  const { ca, certificate } = makeCertificate(['a.invalid', '127.0.0.1'], now);
  const [authority, server] = [new X509Certificate(ca), new X509Certificate(certificate)];
  expect(server.verify(authority.publicKey)).toBe(true);
  expect(server.checkIssued(authority)).toBe(true);
  expect([authority.ca, server.ca]).toEqual([true, false]);
  expect(server.checkHost('a.invalid')).toBe('a.invalid');
  expect(server.checkHost('b.invalid')).toBeUndefined();
  expect(server.checkIP('127.0.0.1')).toBe('127.0.0.1');
  expect(server.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
  expect(new Date(server.validFrom).getTime()).toBeLessThan(now);
  expect(new Date(server.validTo).getTime() - now).toBe(90 * 24 * 3600_000);
});

it('the certificate is accepted by clients that trust its authority, and by no others', async () => {
  const { ca, certificate, key } = makeCertificate(['a.invalid'], Date.now());
  const server = createServer({ cert: certificate, key }, (socket) => socket.end('hello')).listen(0, '127.0.0.1');
  server.on('tlsClientError', () => undefined);
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const trusting = connect({ port, host: '127.0.0.1', servername: 'a.invalid', ca });
  expect(String(await once(trusting, 'data'))).toBe('hello');
  const stranger = connect({ port, host: '127.0.0.1', servername: 'a.invalid' });
  const [error] = await once(stranger, 'error').catch((reason: unknown) => [reason]);
  expect(error).toMatchObject({ code: expect.stringMatching(/UNABLE_TO_VERIFY|SELF_SIGNED/) });
});
