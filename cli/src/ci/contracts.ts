import { existsSync } from 'node:fs';
import type { Paths } from '../config/paths.ts';
import { isPublic } from '../config/project/public-models.ts';
import type { EngineClient } from '../engine/client.ts';
import { requireReadable } from '../engine/problems.ts';
import { type AlteredModel, alteredModels } from '../lineage/alterations.ts';
import { type ContractBreak, contractBreaks } from '../lineage/contract-breaks.ts';
import { readLineage } from '../lineage/read-lineage.ts';
import { type Base, differsFrom } from './base.ts';
import { type BaseCheckout, projectPathspecs } from './base-project.ts';
import { changedThemselves } from './slim-plan.ts';

export interface ContractsOutcome {
  readonly breaks: readonly ContractBreak[];
  readonly altered: readonly AlteredModel[];
  /** Why nothing could be compared. */
  readonly skipped?: string;
}

const nothing: ContractsOutcome = { breaks: [], altered: [] };

/**
 * Compares the public models with those of the base: what their readers can no longer rely on, and what the change can alter. Builds
 * nothing, and starts the engine only if something differs from the base.
 * @throws MeetupError if dbt can't read the project.
 */
export async function compareContracts(
  engine: EngineClient,
  paths: Paths,
  base: Base,
  checkout: BaseCheckout,
): Promise<ContractsOutcome> {
  if (base.kind === 'none') return { ...nothing, skipped: base.reason };
  if (!(await differsFrom(paths.root, base.commit, projectPathspecs(paths)))) return nothing;
  const { dbtProject, target, manifestFile } = await checkout.at(base.commit);
  if (!existsSync(dbtProject)) return { ...nothing, skipped: `${base.ref} has no dbt project` };
  const place = { projectDir: dbtProject, targetPath: target };
  const then = await engine.changes({ manifestFile, ...place });
  if (then.status === 'invalid') return { ...nothing, skipped: `dbt can't read the project at ${base.ref}` };
  const before = await readLineage(engine, paths, place);
  const changes = await engine.changes({ deployedDir: manifestFile.replace(/[^/\\]+$/, '') });
  requireReadable(changes);
  const now = await readLineage(engine, paths);
  const publicIds = new Set(now.models.filter((model) => isPublic(model, paths)).map(({ uniqueId }) => uniqueId));
  return {
    breaks: contractBreaks(before, now, (model) => isPublic(model, paths)),
    altered: alteredModels(before, now, changedThemselves(changes, then))
      .filter(({ node }) => publicIds.has(node))
      .sort((a, b) => a.name.localeCompare(b.name)),
  };
}
