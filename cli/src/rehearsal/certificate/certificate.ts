import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIPv4 } from 'node:net';
import { bits, boolean, identifier, integer, octets, sequence, set, tagged, taggedBytes, time, utf8 } from './der.ts';

/** What a TLS server needs and its clients should trust, all in PEM. */
export interface ServerCertificate {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

/** The validity of a certificate (milliseconds); each start creates a new one. */
const VALID_MS = 90 * 24 * 3600_000;
/** The allowed lag of clients' clocks (milliseconds). */
const LAG_MS = 24 * 3600_000;

const ECDSA_SHA256 = sequence(identifier('1.2.840.10045.4.3.2'));

/**
 * Creates a certificate for the given host names and IPv4 addresses. It is signed by a new authority whose key is discarded, so
 * that nobody can sign another certificate that clients of this one would trust.
 */
export function makeCertificate(hosts: readonly string[], now: number): ServerCertificate {
  const authority = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const server = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const issuer = { name: 'meetup rehearsal authority', key: authority };
  const keyUsage = (flags: number, unused: number): Buffer =>
    extension('2.5.29.15', bits(Buffer.from([flags]), unused), true);
  const ca = certificate({ name: issuer.name, publicKey: authority.publicKey }, issuer, now, [
    extension('2.5.29.19', sequence(boolean(true), integer(Buffer.from([0]))), true),
    // May only sign certificates.
    keyUsage(0b0000_0100, 2),
    extension('2.5.29.14', octets(keyId(authority.publicKey))),
  ]);
  const leaf = certificate({ name: 'meetup rehearsal', publicKey: server.publicKey }, issuer, now, [
    extension('2.5.29.19', sequence(), true),
    // May be used for signatures.
    keyUsage(0b1000_0000, 7),
    extension('2.5.29.37', sequence(identifier('1.3.6.1.5.5.7.3.1'))),
    extension('2.5.29.14', octets(keyId(server.publicKey))),
    extension('2.5.29.35', sequence(taggedBytes(0, keyId(authority.publicKey)))),
    extension('2.5.29.17', sequence(...hosts.map(alternativeName))),
  ]);
  return { ca, certificate: leaf, key: server.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

function certificate(
  subject: { name: string; publicKey: KeyObject },
  issuer: { name: string; key: { privateKey: KeyObject } },
  now: number,
  extensions: Buffer[],
): string {
  const content = sequence(
    tagged(0, integer(Buffer.from([2]))),
    integer(randomBytes(16)),
    ECDSA_SHA256,
    commonName(issuer.name),
    sequence(time(new Date(now - LAG_MS)), time(new Date(now + VALID_MS))),
    commonName(subject.name),
    subject.publicKey.export({ type: 'spki', format: 'der' }),
    tagged(3, sequence(...extensions)),
  );
  const signature = sign('sha256', content, issuer.key.privateKey);
  return pem(sequence(content, ECDSA_SHA256, bits(signature)));
}

const commonName = (name: string): Buffer => sequence(set(sequence(identifier('2.5.4.3'), utf8(name))));

const extension = (id: string, value: Buffer, critical = false): Buffer =>
  sequence(identifier(id), ...(critical ? [boolean(true)] : []), octets(value));

const keyId = (key: KeyObject): Buffer =>
  createHash('sha1')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest();

const alternativeName = (host: string): Buffer =>
  isIPv4(host) ? taggedBytes(7, Buffer.from(host.split('.').map(Number))) : taggedBytes(2, Buffer.from(host));

function pem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}
