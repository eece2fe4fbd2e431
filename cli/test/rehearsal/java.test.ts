import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findJava, javaVersion } from '../../src/rehearsal/provision/java.ts';
import { quietEffects, temporaryFolder } from '../support/effects.ts';

describe('the version of Java', () => {
  it.each([
    ['openjdk version "17.0.15" 2025-04-15', 17],
    ['java version "1.8.0_402"', 8],
    ['openjdk version "21" 2023-09-19', 21],
    ['openjdk version "25-ea" 2025-09-16', 25],
  ])('is parsed from its output: %s', (text, version) => {
    expect(javaVersion(text)).toBe(version);
  });

  it('is unknown if the output is something else', () => {
    expect(javaVersion('zsh: command not found: java')).toBeUndefined();
  });
});

/** A JAVA_HOME with a java that reports this version. */
async function javaHome(version: string): Promise<string> {
  const home = await temporaryFolder();
  await mkdir(join(home, 'bin'));
  await writeFile(join(home, 'bin', 'java'), `#!/bin/sh\necho 'openjdk version "${version}"' >&2\n`);
  await chmod(join(home, 'bin', 'java'), 0o755);
  return home;
}

describe.skipIf(process.platform === 'win32')('the Java for Spark', () => {
  it('is the one that JAVA_HOME names', async () => {
    const home = await javaHome('21.0.4');
    const java = await findJava(quietEffects({ env: { JAVA_HOME: home, PATH: '/bin' } }));
    expect(java).toEqual({ executable: join(home, 'bin', 'java'), version: 21 });
  });

  it('is the one on the PATH if the version in JAVA_HOME is unsuitable', async () => {
    const [old, fit] = [await javaHome('11.0.2'), await javaHome('17.0.1')];
    const java = await findJava(quietEffects({ env: { JAVA_HOME: old, PATH: `${join(fit, 'bin')}:/bin` } }));
    expect(java).toEqual({ executable: 'java', version: 17 });
  });

  it.each([
    ['24.0.1', 'is Java 24'],
    ['11.0.2', 'is Java 11'],
  ])('is requested with one sentence if the only one is %s', async (version, complaint) => {
    const home = await javaHome(version);
    const found = findJava(quietEffects({ env: { JAVA_HOME: home, PATH: await temporaryFolder() } }));
    await expect(found).rejects.toThrow(complaint);
    await expect(found).rejects.toThrow('needs Java 17 or 21');
  });

  it('is requested with one sentence if there is none', async () => {
    const found = findJava(quietEffects({ env: { PATH: await temporaryFolder() } }));
    await expect(found).rejects.toThrow('no Java was found: install one');
  });
});
