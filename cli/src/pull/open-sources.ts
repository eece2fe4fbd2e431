import { join } from 'node:path';
import type { Effects } from '../config/effects.ts';
import { MeetupError } from '../config/errors.ts';
import { reasonOf } from '../config/explain.ts';
import type { Paths } from '../config/paths.ts';
import { EngineClient } from '../engine/client.ts';
import { requireReadable } from '../engine/problems.ts';
import { type RawTable, rawTablesOf } from '../ingest/raw-tables.ts';
import { type Contracts, readContracts } from '../ingest/schemas.ts';
import { type LineageGraph, lineageGraph } from '../lineage/graph.ts';
import { readLineage } from '../lineage/read-lineage.ts';
import type { Declared } from '../test-new/declared.ts';
import { ProjectModels } from '../test-new/project-models.ts';
import { type PullManifest, personalBelow, readPullManifest } from './manifest.ts';

/** The project as it is read for DuckDB: where its sources' tables belong, and what is declared about them. */
export interface LocalProject {
  readonly manifest: PullManifest;
  readonly contracts: Contracts;
  readonly rawTables: readonly RawTable[];
  /** Undefined if the columns of models can't be followed to sources. */
  readonly lineage: LineageGraph | undefined;
  /** What is declared about the columns of a source's table, by lower-case path. */
  declared(source: string): ReadonlyMap<string, Declared>;
}

/**
 * Reads the project for target `dev`, as it is on a sample. Builds nothing.
 * @param from the target that the sample comes from.
 * @throws MeetupError if dbt can't read it.
 */
export async function readLocalProject(paths: Paths, from: string, effects: Effects): Promise<LocalProject> {
  const engine = new EngineClient(paths, { ...effects, env: { ...effects.env, MEETUP_PULLED: from } });
  try {
    const manifestFile = join(paths.state, 'pull', 'manifest.dev.json');
    requireReadable(await engine.changes({ target: 'dev', manifestFile }));
    const manifest = await readPullManifest(manifestFile);
    const models = await ProjectModels.read(paths, engine);
    const contracts = await readContracts(paths.schemas);
    const personal = personalBelow(manifest);
    return {
      manifest,
      contracts,
      rawTables: rawTablesOf(contracts),
      lineage: await lineageIfNeeded(manifest, engine, paths, effects),
      declared: (id) => {
        const source = manifest.sources[id];
        const said = source === undefined ? undefined : models.input(source.schema, source.identifier)?.declared;
        return withPersonal(said ?? new Map(), personal.get(id) ?? new Set());
      },
    };
  } finally {
    await engine.close();
  }
}

/** What a model says is personal is so in the source too, unless the source itself says otherwise. */
function withPersonal(
  said: ReadonlyMap<string, Declared>,
  personal: ReadonlySet<string>,
): ReadonlyMap<string, Declared> {
  const all = new Map(said);
  for (const name of personal) all.set(name, { ...all.get(name), personal: all.get(name)?.personal ?? true });
  return all;
}

/** Only tests of models need it. */
async function lineageIfNeeded(
  manifest: PullManifest,
  engine: EngineClient,
  paths: Paths,
  effects: Effects,
): Promise<LineageGraph | undefined> {
  const isOfModels = Object.values(manifest.nodes).some(
    ({ test_metadata: test, attached_node: attached }) => test?.name === 'relationships' && attached != null,
  );
  if (!isOfModels) return undefined;
  try {
    const answer = await readLineage(engine, paths);
    requireReadable(answer);
    return lineageGraph(answer);
  } catch (error) {
    if (!(error instanceof MeetupError)) throw error;
    effects.reporter.warn(
      `Relationships tests of models are not followed, because their columns can't be traced to sources (${reasonOf(error)}).`,
    );
    return undefined;
  }
}
