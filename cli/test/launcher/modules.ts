import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/** The launcher's modules, which are plain JavaScript, with types for the tests. */
const load = createRequire(import.meta.url);
const module = (name: string) => load(`../../launcher/${name}.cjs`);

export const repository = fileURLToPath(new URL('../../..', import.meta.url));

export interface LauncherArgs {
  readonly command: string | undefined;
  readonly stateDir: string | undefined;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly needsPython: boolean;
  readonly needsMetricFlow: boolean;
  readonly needsDevTools: boolean;
  readonly writesState: boolean;
}
export const {
  COMMANDS,
  METRICS_WITH_VALUE,
  WITH_VALUE,
  readArgs,
}: {
  COMMANDS: Readonly<Record<string, object>>;
  METRICS_WITH_VALUE: readonly string[];
  WITH_VALUE: readonly string[];
  readArgs(argv: readonly string[]): LauncherArgs;
} = module('args');

export interface Places {
  readonly root: string;
  readonly state: string;
  readonly toolchain: string;
}
export const {
  placesOf,
}: {
  placesOf(args: { stateDir?: string }, env: Record<string, string | undefined>, cwd: string, root?: string): Places;
} = module('places');

export const {
  OLDEST,
  tooOld,
}: { OLDEST: { major: number; minor: number }; tooOld(version: string): string | undefined } = module('node-version');

export interface Stamp {
  readonly note: string;
  readonly files: Record<string, [number, number, string]>;
}
export const {
  isFresh,
  takeStamp,
  writeStamp,
  readStamp,
}: {
  isFresh(stampFile: string, root: string, inputs: string[], note: string, options?: { remember?: boolean }): boolean;
  takeStamp(root: string, inputs: string[], note: string): Stamp;
  writeStamp(stampFile: string, stamp: Stamp): void;
  readStamp(stampFile: string): Stamp | undefined;
} = module('stamp');

export interface Lock {
  addChild(pid: number): void;
  removeChild(pid: number): void;
  release(): void;
}
export const {
  takeLock,
  lockOwner,
}: {
  takeLock(folder: string, signal: AbortSignal, onWait: (pid: number) => void): Promise<Lock>;
  lockOwner(folder: string): number | undefined;
} = module('lock');

export const { identify }: { identify(pid: number): string } = module('processes');

export const {
  failure,
  withoutSecrets,
}: {
  failure(what: string, tool: string, result: { code: number; output: string }, log: { hint: string }): Error;
  withoutSecrets(text: string): string;
} = module('child');

export const {
  findPython,
}: {
  findPython(
    site: object,
    suits?: (python: { makesEnvironments: boolean }) => boolean,
  ): Promise<{ executable: string; version: number[] }>;
} = module('python-finder');

export interface Stream {
  isTTY: boolean;
  columns: number;
  write(text: string): unknown;
}
export const {
  Progress,
}: {
  Progress: new (
    stream: Stream,
    options: { quiet: boolean; env: Record<string, string | undefined> },
  ) => { step<T>(label: string, work: () => Promise<T>): Promise<T>; stop(): void };
} = module('progress');

export const { markState, MARKER }: { markState(state: string): void; MARKER: string } = module('state-marker');

export const { aboutFiles }: { aboutFiles(what: string, error: unknown): string } = module('errors');
