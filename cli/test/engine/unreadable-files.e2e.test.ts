import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { EngineClient } from '../../src/engine/client.ts';
import { quietEffects } from '../support/effects.ts';
import { hasItsTurn } from '../support/sampled.ts';
import { engineOn, type TinyProject, tinyProject } from './project.ts';

const describeInTurn = describe.skipIf(!hasItsTurn('unreadable files'));

vi.setConfig({ testTimeout: 60_000, hookTimeout: 180_000 });

let folder: string;
let project: TinyProject;
let engine: EngineClient;
let models: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meetup-files-'));
  project = await tinyProject(folder);
  models = join(project.paths.dbtProject, 'models');
  engine = engineOn(project, quietEffects());
  expect((await engine.affected()).status).toBe('pass');
});

afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

/** The problems that a build reports while `name` is among the models. Then removes it and checks that a build passes. */
async function problemWith(name: string, make: (path: string) => Promise<unknown> | unknown): Promise<unknown> {
  const path = join(models, name);
  await make(path);
  const answer = await engine.affected();
  await rm(path, { recursive: true });
  expect(await engine.affected()).toMatchObject({ status: 'pass', failing: [], nodes: [] });
  if (answer.status !== 'invalid') return answer.status;
  return answer.problems.map(({ file, message }) => ({ file, message }));
}

const refused = (name: string, reason: string) => [
  { file: `models/${name}`, message: `models/${name} can't be read: ${reason}.` },
];

describeInTurn('an unreadable file among the models is reported, and removing it fixes the build:', () => {
  it('a named pipe, without opening it', async () => {
    const problem = await problemWith('pipe.sql', (path) => execFileSync('mkfifo', [path]));
    expect(problem).toEqual(refused('pipe.sql', 'it is a named pipe, not a regular file'));
  });

  it('a socket', async () => {
    const problem = await problemWith('socket.sql', async (path) => {
      const server = createServer().listen(path);
      onTestFinished(() => void server.close());
      await once(server, 'listening');
    });
    expect(problem).toEqual(refused('socket.sql', 'it is a socket, not a regular file'));
  });

  it('a symbolic link to a device', async () => {
    const problem = await problemWith('device.yml', (path) => symlink('/dev/zero', path));
    expect(problem).toEqual(refused('device.yml', 'it is a device, not a regular file'));
  });

  it('a symbolic link to itself', async () => {
    const problem = await problemWith('circle.sql', (path) => symlink('circle.sql', path));
    expect(problem).toEqual(refused('circle.sql', 'too many levels of symbolic links'));
  });

  it('a dangling symbolic link', async () => {
    const problem = await problemWith('nothing.sql', (path) => symlink('/nowhere/nothing.sql', path));
    expect(problem).toEqual(refused('nothing.sql', 'it is a symbolic link to something that does not exist'));
  });

  it('a file that is not UTF-8', async () => {
    const problem = await problemWith('latin.sql', (path) =>
      writeFile(path, Buffer.from("select 'caf\xe9'", 'latin1')),
    );
    expect(problem).toEqual(refused('latin.sql', 'it is not UTF-8 (byte 11)'));
  });

  it('a file that fails while it is read', async () => {
    // Reading the memory at address 0 fails with EIO.
    const problem = await problemWith('broken.sql', (path) => symlink('/proc/self/mem', path));
    expect(problem).toEqual(refused('broken.sql', 'input/output error'));
  });
});

describeInTurn('a file that dbt does not read is not reported:', () => {
  it("an editor's lock, which is a dangling symbolic link", async () => {
    expect(await problemWith('.#numbers.sql', (path) => symlink('someone@somewhere.4711:1700000000', path))).toBe(
      'pass',
    );
  });

  it('a named pipe without a model extension, and a symbolic link to its own folder', async () => {
    expect(await problemWith('pipe', (path) => execFileSync('mkfifo', [path]))).toBe('pass');
    expect(await problemWith('again', (path) => symlink('.', path))).toBe('pass');
  });

  it('a folder named like a model', async () => {
    expect(await problemWith('folder.sql', (path) => mkdir(path))).toBe('pass');
  });
});

describeInTurn('a models folder', () => {
  it('may be a symbolic link', async () => {
    const elsewhere = join(folder, 'elsewhere');
    await rename(models, elsewhere);
    await symlink(elsewhere, models);
    expect(await engine.affected()).toMatchObject({ status: 'pass', failing: [], removed: [] });
    await writeFile(join(elsewhere, 'total.sql'), "select sum(amount) + 0 as total from {{ ref('doubled') }}\n");
    const changed = await engine.affected();
    expect(changed.nodes.map(({ name }) => name)).toEqual(['total']);
    await rm(models);
    await rename(elsewhere, models);
    expect((await engine.affected()).status).toBe('pass');
  });
});

describeInTurn('the relation of a model', () => {
  it('is dropped when the model is removed, and built again when it comes back', async () => {
    const sql = "{{ config(materialized='incremental') }} select id from {{ ref('numbers') }}\n";
    for (let round = 1; round <= 2; round += 1) {
      await project.write('models/visitors.sql', sql);
      await project.write(
        'models/visitors.yml',
        'models: [{name: visitors, columns: [{name: id, data_tests: [unique]}]}]\n',
      );
      const built = await engine.affected();
      expect(built).toMatchObject({ status: 'pass', failing: [] });
      expect(built.nodes.map(({ name }) => name)).toContain('visitors');
      await project.remove('models/visitors.sql');
      await project.remove('models/visitors.yml');
      expect(await engine.affected()).toMatchObject({ status: 'pass', removed: ['main.visitors'] });
    }
  });

  it('is replaced by one with the new name if only the case of the name changed', async () => {
    await project.write('models/Visitors.sql', 'select 1 as id\n');
    expect((await engine.affected()).status).toBe('pass');
    await rename(join(models, 'Visitors.sql'), join(models, 'visitors.sql'));
    const renamed = await engine.affected();
    expect(renamed).toMatchObject({ status: 'pass', failing: [], removed: ['main.Visitors'] });
    expect(renamed.nodes.map(({ name }) => name)).toEqual(['visitors']);
    await project.remove('models/visitors.sql');
    expect((await engine.affected()).removed).toEqual(['main.visitors']);
  });
});
