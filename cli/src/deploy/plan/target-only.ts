import type { EngineClient } from '../../engine/client.ts';
import type { DuckDbWarehouse } from '../../warehouse/duckdb.ts';
import { type ProjectNode, relationForReaders, relationOf } from './models.ts';

/** A relation that only the target builds: no local build or test has checked it, and there is nothing to compare it with. */
export interface TargetOnly {
  readonly uniqueId: string;
  readonly name: string;
  /** `schema.name`. */
  readonly relation: string;
  readonly reason: string;
}

interface Sides {
  readonly engine: Pick<EngineClient, 'changes'>;
  readonly local: DuckDbWarehouse;
}

/** Models in another engine's dialect, what reads them, and what is disabled on target dev. */
export async function findTargetOnly({ engine, local }: Sides, nodes: readonly ProjectNode[]): Promise<TargetOnly[]> {
  const relations = nodes.filter(({ relation }) => relation !== null);
  const here = await localRelations(local);
  // dbt reads the project for target dev, which takes seconds, only if something is missing for no known reason.
  const isUnexplained = ({ notLocal, ...node }: ProjectNode): boolean =>
    notLocal === null && !here.has(relationForReaders(node).toLowerCase());
  const enabled = relations.some(isUnexplained) ? await nodesOfDev(engine) : undefined;
  const whyNotLocal = (node: ProjectNode): string | null => {
    const isDisabled = enabled !== undefined && isUnexplained(node) && !enabled.has(node.uniqueId);
    return isDisabled ? 'it is disabled on target dev' : node.notLocal;
  };
  return relations
    .flatMap((node) => {
      const reason = whyNotLocal(node);
      return reason === null ? [] : [{ uniqueId: node.uniqueId, name: node.name, relation: relationOf(node), reason }];
    })
    .sort((a, b) => a.uniqueId.localeCompare(b.uniqueId));
}

async function localRelations(local: DuckDbWarehouse): Promise<ReadonlySet<string>> {
  const { rows } = await local.query(
    `select lower(table_schema || '.' || table_name) from information_schema.tables where table_catalog = current_database()`,
  );
  return new Set(rows.map(([relation]) => String(relation)));
}

/** Undefined if dbt can't read the project for target dev: then what is missing counts as missing. */
async function nodesOfDev(engine: Sides['engine']): Promise<ReadonlySet<string> | undefined> {
  const { status, nodes } = await engine.changes({ target: 'dev' });
  return status === 'invalid' ? undefined : new Set(nodes.map(({ uniqueId }) => uniqueId));
}
