import { describe, expect, it } from 'vitest';
import { aboutFiles, failure, withoutSecrets } from './modules.ts';

const sentenceFor = (output: string, tool = 'npm', code = 1) =>
  failure('The Node packages', tool, { code, output }, { hint: ' (full log: x.log)' }).message;

describe('the error of a failed installation', () => {
  it.each([
    ['npm error code ECONNREFUSED\nnpm error FetchError: connect ECONNREFUSED 127.0.0.1:9', 'ECONNREFUSED'],
    ['npm error code ENOTFOUND\nnpm error network request to https://registry.example/x failed', 'ENOTFOUND'],
    ['npm error code ETIMEDOUT', 'ETIMEDOUT'],
  ])('names the network error: %s', (output, symptom) => {
    expect(sentenceFor(output)).toBe(
      `The Node packages can't be installed because npm can't reach its registry (${symptom}): check the network and its proxy, and try again (full log: x.log).`,
    );
  });

  it.each([
    ['uv', 'error: Request failed after 3 retries\n  cause: dns error'],
    ['uv', 'cause: tcp connect error\n  cause: Connection refused (os error 111)'],
    ['pip', 'NewConnectionError: Failed to establish a new connection: [Errno 101] Network is unreachable'],
    ['pip', 'ReadTimeoutError: Read timed out.\nERROR: No matching distribution found for uv==0.13.9'],
  ])("recognises %s's message for a network error: %s", (tool, output) => {
    expect(sentenceFor(output, tool)).toContain(`because ${tool} can't reach its registry: check the network`);
  });

  it.each([
    'npm error code ENOSPC',
    'OSError: [Errno 28] No space left on device',
    'Disk quota exceeded (os error 122)',
  ])('says that the disk is full: %s', (output) =>
    expect(sentenceFor(output)).toContain('because the disk is full: free some space and try again'),
  );

  it.each([
    'npm error code EINTEGRITY',
    'error: Hash mismatch for `six==1.17.0`',
    'THESE PACKAGES DO NOT MATCH THE HASHES',
  ])('says that a package does not match the pinned hash: %s', (output) =>
    expect(sentenceFor(output)).toContain("don't match the hashes in the lock file"),
  );

  it('says that a certificate is not trusted', () => {
    expect(sentenceFor('npm error code SELF_SIGNED_CERT_IN_CHAIN')).toContain('NODE_EXTRA_CA_CERTS');
  });

  it("quotes the tool's last message for anything else", () => {
    const output = 'npm warn old\nnpm error code EUSAGE\nnpm error\nnpm error The lock file is not in sync.\n';
    expect(sentenceFor(output)).toBe(
      "The Node packages can't be installed because npm failed: The lock file is not in sync (full log: x.log).",
    );
    expect(sentenceFor('', 'uv', 7)).toContain('uv failed with exit code 7');
  });

  it("never contains a registry's credentials", () => {
    const output = 'error: could not read https://user:p4ss@registry.example/simple/six/ at all';
    expect(sentenceFor(output)).not.toContain('p4ss');
    expect(withoutSecrets(output)).toContain('https://***@registry.example/simple/six/');
    expect(withoutSecrets('//registry.example/:_authToken=abc123 and _password: abc123')).not.toContain('abc123');
  });

  it.each([
    ['ENOSPC', 'the disk is full'],
    ['EROFS', "can't be written (EROFS)"],
    ['EACCES', "can't be written (EACCES)"],
  ])('explains the file system error %s', (code, words) => {
    const error = Object.assign(new Error(code), { code, path: '/repo/dist' });
    expect(aboutFiles('The command line', error)).toContain(words);
    expect(aboutFiles('The command line', error)).toContain('/repo/dist');
  });
});
