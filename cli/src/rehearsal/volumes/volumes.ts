import { type Dirent, existsSync, lstatSync, realpathSync, type Stats } from 'node:fs';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { hasCode } from '../../config/errors.ts';
import { StatementError } from '../sql/errors.ts';

/** A file in a volume, as LIST returns it; a folder's name ends with a slash. */
export interface Listed {
  readonly path: string;
  readonly name: string;
  readonly size: number;
  readonly modifiedMs: number;
}

/** The name prefix of unfinished uploads. Spark ignores files whose names begin with a dot. */
export const UPLOADING = '.upload-';

/** Unity Catalog's volumes as folders: /Volumes/catalog/schema/volume/… below one root. */
export class Volumes {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  /**
   * Resolves a path in a volume to a local file, which is always inside the volume.
   * @throws StatementError if the path is invalid, leaves its volume, or the volume doesn't exist.
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
    // Links in the volume must not lead outside either.
    if (!staysIn(folder, file)) throw outside(path);
    return file;
  }

  /** Creates a volume. @returns false if it already existed. */
  async create(name: readonly string[]): Promise<boolean> {
    const folder = this.#folder(name);
    if (existsSync(folder)) return false;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return true;
  }

  /** Removes a volume with all its files. @returns false if it didn't exist. */
  async drop(name: readonly string[]): Promise<boolean> {
    const folder = this.#folder(name);
    if (!existsSync(folder)) return false;
    await rm(folder, { recursive: true });
    return true;
  }

  has(name: readonly string[]): boolean {
    return existsSync(this.#folder(name));
  }

  /** The names of the volumes in a schema. */
  async names(schema: readonly string[]): Promise<string[]> {
    const entries = await readdir(this.#folder(schema), { withFileTypes: true }).catch(orNone);
    return entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort();
  }

  /** The direct entries of a folder, by name. */
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

  /** Removes unfinished uploads of a killed gateway. Call it only while no upload is running. */
  async removeLeftovers(): Promise<void> {
    // With file types, to distinguish links from folders and not follow them.
    const entries = await readdir(this.#root, { recursive: true, withFileTypes: true }).catch(orNone);
    for (const entry of entries) {
      if (entry.isFile() && entry.name.startsWith(UPLOADING))
        await rm(join(entry.parentPath, entry.name), { force: true });
    }
  }

  /** A volume's folder. @throws StatementError if its name is invalid, or a link leads outside. */
  #folder(name: readonly string[]): string {
    // Names in Unity Catalog are case-insensitive.
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
 * A name and its repeated percent-decodings: whichever component decodes it on the way must not get another path. Looking at
 * single bytes is enough to find separators and dots, so malformed UTF-8 can't hide any.
 */
function decodings(part: string): string[] {
  // These bytes never occur in UTF-8, but lax decoders read overlong encodings that begin with them as a dot or a slash.
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

/** Resolves a path, or the nearest existing folder above it if it doesn't exist yet. Undefined if that fails. */
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

/** Whether a path exists, even as a dangling link. */
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
