import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { MeetupError } from '../config/errors.ts';
import { readJsonFile } from '../config/json-file.ts';
import { runs } from '../deploy/plan/actions.ts';
import { type ModelsPlan, relationOf } from '../deploy/plan/models.ts';
import { type RelationStates, readStates } from '../deploy/relations.ts';
import type { Remote } from '../deploy/remote.ts';
import type { ChangesAnswer } from '../engine/protocol.ts';
import { mapConcurrently } from '../warehouse/map-concurrently.ts';
import { type IncrementalConfig, readInPlace } from './plan.ts';

/** The relations whose rows the branch may read or continue. */
export function relationsRead(
  { nodes, sources }: Pick<ChangesAnswer, 'nodes' | 'sources'>,
  models: ModelsPlan,
): string[] {
  const inPlace = new Set(readInPlace(nodes, models));
  const continued = new Set(models.models.filter(runs).map(({ uniqueId }) => uniqueId));
  return [
    ...sources.filter(({ uniqueId }) => inPlace.has(uniqueId)).map(({ schema, name }) => `${schema}.${name}`),
    ...nodes
      .filter(({ uniqueId, relation }) => relation !== null && (inPlace.has(uniqueId) || continued.has(uniqueId)))
      .filter(({ materialized }) => materialized !== 'view')
      .map(relationOf),
  ];
}

/** The states of relations; without those that can't be known, such as tables in other formats. */
export async function statesOf(
  remote: Remote,
  present: ReadonlyMap<string, 'table' | 'view'>,
  relations: readonly string[],
): Promise<RelationStates> {
  const known = await mapConcurrently(relations, (relation) =>
    readStates(remote, present, [relation]).catch((error: unknown): RelationStates => {
      if (error instanceof MeetupError) return {};
      throw error;
    }),
  );
  return Object.assign({}, ...known);
}

/** Whether all relations of one list have the same state in another. */
export const isWithin = (some: RelationStates, all: RelationStates): boolean =>
  Object.entries(some).every(([relation, state]) => isDeepStrictEqual(state, all[relation]));

const configsSchema = z.looseObject({
  nodes: z.record(
    z.string(),
    z.looseObject({
      config: z
        .looseObject({ incremental_strategy: z.string().nullish(), full_refresh: z.boolean().nullish() })
        .optional(),
    }),
  ),
});

/** How models are configured, from the project's manifest. */
export async function incrementalConfigs(manifestFile: string): Promise<ReadonlyMap<string, IncrementalConfig>> {
  const { nodes } = await readJsonFile(manifestFile, configsSchema, 'remove it, and try again');
  return new Map(
    Object.entries(nodes).map(([uniqueId, { config }]) => [
      uniqueId,
      { strategy: config?.incremental_strategy ?? undefined, isProtected: config?.full_refresh === false },
    ]),
  );
}
