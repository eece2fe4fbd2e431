import { type Dirent, existsSync, lstatSync, realpathSync, type Stats } from 'node:fs';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { hasCode } from '../../config/errors.ts';
import { StatementError } from '../sql/errors.ts';

/** A file of a volume, as statements list it; a folder's name ends in a slash. */
export interface Listed {
  readonly path: string;
  readonly name: string;
  readonly size: number;
  readonly modifiedMs: number;
}

/** How the names of files begin that are still arriving. Spark reads no file whose name begins with a dot. */
export const UPLOADING = '.upload-';

/** Volumes of Unity Catalog as folders: /Volumes/catalog/schema/volume/… below one root. */
export class Volumes {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  /**
   * The local file that a path in a volume means. Nothing outside the volumes can be meant.
   * @throws StatementError if the path is none, leaves its volume, or the volume does not exist.
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
    if (!staysIn(folder, file)) throw outside(path);
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

  has(name: readonly string[]): boolean {
    return existsSync(this.#folder(name));
  }

  /** The names of a schema's volumes. */
  async names(schema: readonly string[]): Promise<string[]> {
    const entries = await readdir(this.#folder(schema), { withFileTypes: true }).catch(orNone);
    return entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort();
  }

  /** What lies directly in a folder, by name. */
  async list(path: string): Promise<Listed[]> {
    const folder = this.file(path);
    const base = path.replace(/\/+$/, '');
    const entries = (await entriesOf(folder, path)).filter(({ name }) => !name.startsWith('.'));
    const listed = await Promise.all(
      entries.map(async (entry) => {
        const file = join(folder, entry.name);
        const leadsOut = entry.isSymbolicLink() && !staysIn(folder, file);
        const found = leadsOut ? undefined : await statOf(file);
        if (found === undefined) return [];
        const [name, size] = found.isDirectory() ? [`${entry.name}/`, 0] : [entry.name, found.size];
        return [{ path: `${base}/${name}`, name, size, modifiedMs: Math.floor(found.mtimeMs) }];
      }),
    );
    return listed.flat().sort((one, other) => (one.name < other.name ? -1 : 1));
  }

  /** Removes what is left of uploads whose gateway was killed. Only where no upload is under way. */
  async removeLeftovers(): Promise<void> {
    // Types are asked for so that links are told from folders, and not followed.
    const entries = await readdir(this.#root, { recursive: true, withFileTypes: true }).catch(orNone);
    for (const entry of entries) {
      if (entry.isFile() && entry.name.startsWith(UPLOADING))
        await rm(join(entry.parentPath, entry.name), { force: true });
    }
  }

  /** A volume's folder. @throws StatementError if its name is none, or a link leads elsewhere. */
  #folder(name: readonly string[]): string {
    // Names in Unity Catalog don't differ by case.
    const folder = join(this.#root, ...name.map((part) => safe(part, name.join('.')).toLowerCase()));
    if (!staysIn(this.#root, folder)) throw outside(name.join('.'));
    return folder;
  }
}

function partsOf(path: string): [string, string, string, ...string[]] {
  const [none, volumes, catalog, schema, volume, ...rest] = path.replace(/\/+$/, '').split('/');
  if (none !== '' || volumes !== 'Volumes' || catalog === undefined || schema === undefined || volume === undefined) {
    throw new StatementError(
      `[INVALID_VOLUME_PATH] ${path} is not a path in a volume (/Volumes/catalog/schema/volume/…). SQLSTATE: 22KD3`,
      '22KD3',
    );
  }
  return [safe(catalog, path), safe(schema, path), safe(volume, path), ...rest.map((part) => safe(part, path))];
}

function safe(part: string, path: string): string {
  if (part === '' || decodings(part).some((text) => text === '.' || text === '..' || /[\0\\/]/.test(text))) {
    throw outside(path);
  }
  return part;
}

/**
 * A name and what it says to those who take it for percent-encoded, once or more often: whoever decodes it on the way must not get
 * another path. Bytes are enough to see separators and dots, so malformed UTF-8 hides nothing.
 */
function decodings(part: string): string[] {
  // No UTF-8 has these bytes, but a lax decoder takes what begins with them for a dot or a slash.
  if (/%c[01]/i.test(part)) return ['..'];
  const decoded = part.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return decoded === part ? [part] : [part, ...decodings(decoded)];
}

const outside = (path: string): StatementError =>
  new StatementError(`[INVALID_VOLUME_PATH] ${path} does not stay in its volume. SQLSTATE: 22KD3`, '22KD3');

/** Whether a path leads into a folder, all links followed. */
function staysIn(folder: string, path: string): boolean {
  const [root, real] = [realOf(folder), realOf(path)];
  return root !== undefined && real !== undefined && (real === root || real.startsWith(root + sep));
}

/** Where a path leads; of what is yet to be made, where the nearest folder above it does. Undefined: nowhere. */
function realOf(path: string): string | undefined {
  try {
    return realpathSync(nearest(path));
  } catch (error) {
    // A link to what is not there, or to itself.
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return undefined;
    throw error;
  }
}

const nearest = (path: string): string => (isThere(path) || dirname(path) === path ? path : nearest(dirname(path)));

/** A link is there whatever it leads to. */
function isThere(path: string): boolean {
  try {
    lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

/** What may be gone by the time that it is looked at. */
async function statOf(file: string): Promise<Stats | undefined> {
  try {
    return await stat(file);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

async function entriesOf(folder: string, path: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (!hasCode(error, 'ENOTDIR')) return orNone(error);
    throw new StatementError(`[INVALID_VOLUME_PATH] ${path} is a file, not a folder. SQLSTATE: 22KD3`, '22KD3');
  }
}

function orNone(error: unknown): never[] {
  if (hasCode(error, 'ENOENT')) return [];
  throw error;
}
