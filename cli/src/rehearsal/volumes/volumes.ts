import { existsSync, realpathSync } from 'node:fs';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { StatementError } from '../sql/errors.ts';

/** A file of a volume, as statements list it; a folder's name ends in a slash. */
export interface Listed {
  readonly path: string;
  readonly name: string;
  readonly size: number;
  readonly modifiedMs: number;
}

/** Volumes of Unity Catalog as folders: /Volumes/catalog/schema/volume/… below one root. */
export class Volumes {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  /**
   * The local file that a path in a volume means. Nothing outside the volumes can be meant.
   * @throws StatementError where the path is none, leaves its volume, or the volume does not exist.
   */
  file(path: string): string {
    const [catalog, schema, volume, ...rest] = partsOf(path);
    const folder = this.#folder([catalog, schema, volume]);
    const file = join(folder, ...rest);
    if (!existsSync(folder)) {
      throw new StatementError(
        `[VOLUME_NOT_FOUND] There is no volume ${catalog}.${schema}.${volume} for ${path}: create it first. SQLSTATE: 42704`,
        '42704',
      );
    }
    // A link among the files must not lead out either.
    const root = realpathSync(folder);
    const real = realpathSync(existing(file));
    if (real !== root && !real.startsWith(root + sep)) throw outside(path);
    return file;
  }

  /** @returns whether there was none before. */
  async create(name: readonly string[]): Promise<boolean> {
    const folder = this.#folder(name);
    if (existsSync(folder)) return false;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return true;
  }

  /** Removes a volume with all its files. @returns whether there was one. */
  async drop(name: readonly string[]): Promise<boolean> {
    const folder = this.#folder(name);
    if (!existsSync(folder)) return false;
    await rm(folder, { recursive: true });
    return true;
  }

  /** What lies directly in a folder, by name. */
  async list(path: string): Promise<Listed[]> {
    const folder = this.file(path);
    if (!existsSync(folder)) return [];
    const base = path.replace(/\/+$/, '');
    const names = (await readdir(folder)).filter((name) => !name.startsWith('.')).sort();
    return Promise.all(
      names.map(async (name) => {
        const found = await stat(join(folder, name));
        const [shown, size] = found.isDirectory() ? [`${name}/`, 0] : [name, found.size];
        return { path: `${base}/${shown}`, name: shown, size, modifiedMs: Math.floor(found.mtimeMs) };
      }),
    );
  }

  #folder(name: readonly string[]): string {
    // Names in Unity Catalog don't differ by case.
    return join(this.#root, ...name.map((part) => safe(part, name.join('.')).toLowerCase()));
  }
}

function partsOf(path: string): [string, string, string, ...string[]] {
  const [none, volumes, catalog, schema, volume, ...rest] = path.replace(/\/+$/, '').split('/');
  if (none !== '' || volumes !== 'Volumes' || catalog === undefined || schema === undefined || volume === undefined) {
    throw new StatementError(
      `[INVALID_VOLUME_PATH] ${path} is no path in a volume: /Volumes/catalog/schema/volume/… is. SQLSTATE: 22KD3`,
      '22KD3',
    );
  }
  return [safe(catalog, path), safe(schema, path), safe(volume, path), ...rest.map((part) => safe(part, path))];
}

function safe(part: string, path: string): string {
  if (part === '' || part === '.' || part === '..' || /[\0\\/]/.test(part)) throw outside(path);
  return part;
}

const outside = (path: string): StatementError =>
  new StatementError(`[INVALID_VOLUME_PATH] ${path} does not stay in its volume. SQLSTATE: 22KD3`, '22KD3');

/** The nearest folder above that exists, or the file itself. */
function existing(file: string): string {
  return existsSync(file) ? file : existing(dirname(file));
}
