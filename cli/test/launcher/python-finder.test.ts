import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findPython } from './modules.ts';

describe.skipIf(process.platform === 'win32')('the Python for dbt', () => {
  let path: string;
  beforeEach(async () => {
    path = await mkdtemp(join(tmpdir(), 'meetup-python-'));
  });
  afterEach(() => rm(path, { recursive: true }));

  const find = (env: Record<string, string> = {}, suits?: (python: { makesEnvironments: boolean }) => boolean) =>
    findPython(
      {
        env: { PATH: path, ...env },
        root: path,
        signal: new AbortController().signal,
        log: { write: () => {} },
        lock: { addChild: () => {}, removeChild: () => {} },
      },
      suits,
    );

  /** Installs a fake Python that reports this version to the probe. */
  async function install(name: string, version: number[], makesEnvironments = true): Promise<string> {
    const file = join(path, name);
    const answer = JSON.stringify([version, file, makesEnvironments]);
    await writeFile(file, `#!/bin/sh\necho 'meetup-probe ${answer}'\n`);
    await chmod(file, 0o755);
    return file;
  }

  it('is the newest version that dbt supports', async () => {
    await install('python3', [3, 14, 0]);
    await install('python3.11', [3, 11, 7]);
    const chosen = await install('python3.12', [3, 12, 1]);
    expect(await find()).toMatchObject({ executable: chosen, version: [3, 12, 1] });
  });

  it('may be called python3 or python', async () => {
    await install('python3', [2, 7, 18]);
    const chosen = await install('python', [3, 10, 0]);
    expect(await find()).toMatchObject({ executable: chosen });
  });

  it('is not a shim of a version manager without an installed Python', async () => {
    await writeFile(join(path, 'python3.13'), '#!/bin/sh\necho "command not found" >&2; exit 127\n', { mode: 0o755 });
    const chosen = await install('python3.10', [3, 10, 13]);
    expect(await find()).toMatchObject({ executable: chosen });
  });

  it('is the one that PYTHON names', async () => {
    await install('python3.13', [3, 13, 0]);
    const chosen = await install('my-python', [3, 11, 0]);
    expect(await find({ PYTHON: chosen })).toMatchObject({ executable: chosen });
  });

  it('is reported with installation instructions if it is missing', async () => {
    await expect(find()).rejects.toThrow(
      /^dbt needs Python 3\.10 or newer, and there is none on the PATH: install it \(Debian, Ubuntu: sudo apt install python3 python3-venv; .*try again\.$/,
    );
  });

  it('is reported with the newest version found if all are too old', async () => {
    await install('python3', [3, 8, 18]);
    await install('python', [2, 7, 18]);
    await expect(find()).rejects.toThrow(`and the newest on the PATH is 3.8.18 (${join(path, 'python3')}): install it`);
  });

  it('is not searched on the PATH if the one that PYTHON names does not work', async () => {
    await install('python3.13', [3, 13, 0]);
    await expect(find({ PYTHON: '/nowhere/python' })).rejects.toThrow(
      '/nowhere/python, which the environment variable PYTHON names, does not start',
    );
  });

  it('must have the venv module if that is needed', async () => {
    await install('python3.11', [3, 11, 2], false);
    await expect(find({}, ({ makesEnvironments }) => makesEnvironments)).rejects.toThrow(
      /can't make environments.*sudo apt install python3\.11-venv.*or uv/,
    );
  });
});
