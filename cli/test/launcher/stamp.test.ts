import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isFresh, readStamp, takeStamp, writeStamp } from './modules.ts';

describe('the stamp of an installation', () => {
  let root: string;
  let stamp: string;
  const inputs = ['src', 'lock.json'];
  const fresh = (note = 'linux') => isFresh(stamp, root, inputs, note);

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'meetup-stamp-'));
    stamp = join(root, 'stamp.json');
    await mkdir(join(root, 'src', 'deep'), { recursive: true });
    await writeFile(join(root, 'src', 'a.ts'), 'aaa');
    await writeFile(join(root, 'src', 'deep', 'b.ts'), 'bbb');
    await writeFile(join(root, 'lock.json'), '{}');
    writeStamp(stamp, takeStamp(root, inputs, 'linux'));
  });
  afterEach(() => rm(root, { recursive: true }));

  it('is fresh if nothing changed', () => {
    expect(fresh()).toBe(true);
  });

  it('stays fresh after a touch or a checkout of the same content, and stores the new time', async () => {
    await utimes(join(root, 'src', 'a.ts'), new Date(), new Date(1_700_000_000_000));
    expect(fresh()).toBe(true);
    expect(readStamp(stamp)?.files['src/a.ts']?.[1]).toBe(1_700_000_000_000);
  });

  it('does not store new times in a shared toolchain', async () => {
    await utimes(join(root, 'lock.json'), new Date(), new Date(1_700_000_000_000));
    expect(isFresh(stamp, root, inputs, 'linux', { remember: false })).toBe(true);
    expect(readStamp(stamp)?.files['lock.json']?.[1]).not.toBe(1_700_000_000_000);
  });

  it.each([
    ['a change of the same length', () => writeFile(join(root, 'src', 'a.ts'), 'xxx')],
    ['a longer file', () => writeFile(join(root, 'src', 'deep', 'b.ts'), 'bbbb')],
    ['a new file', () => writeFile(join(root, 'src', 'deep', 'c.ts'), '')],
    ['a removed file', () => rm(join(root, 'src', 'a.ts'))],
    [
      'a renamed file',
      async () => rm(join(root, 'src', 'a.ts')).then(() => writeFile(join(root, 'src', 'z.ts'), 'aaa')),
    ],
    ['a removed input', () => rm(join(root, 'lock.json'))],
  ])('is not fresh after %s', async (_change, makeChange) => {
    await makeChange();
    expect(fresh()).toBe(false);
  });

  it('is not fresh on another platform', () => {
    expect(fresh('darwin')).toBe(false);
  });

  it.each(['', '{', '[]', 'null', '{"note":"linux"}'])('is not fresh if it is damaged: %s', async (text) => {
    await writeFile(stamp, text);
    expect(fresh()).toBe(false);
  });

  it('ignores files that editors and Python leave next to the sources', async () => {
    await mkdir(join(root, 'src', '__pycache__'));
    await writeFile(join(root, 'src', '__pycache__', 'a.pyc'), '');
    await writeFile(join(root, 'src', '.a.ts.swp'), '');
    await writeFile(join(root, 'src', 'a.ts~'), '');
    expect(fresh()).toBe(true);
  });
});
