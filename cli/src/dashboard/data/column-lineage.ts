import type { Effects } from '../../config/effects.ts';
import type { Paths } from '../../config/paths.ts';
import { isPublic } from '../../config/project/public-models.ts';
import { type ColumnRows, columnRows } from '../../lineage/column-rows.ts';
import { lineageGraph } from '../../lineage/graph.ts';
import { type KnownLineage, knownLineage } from '../../lineage/known-lineage.ts';

/** The column lineage of a project as rows. What was computed is kept until it would be another one. */
export class ColumnLineage {
  readonly #paths: Paths;
  readonly #effects: Effects;
  #kept: { readonly digest: string; readonly rows: ColumnRows } | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(paths: Paths, effects: Effects) {
    this.#paths = paths;
    this.#effects = effects;
  }

  /**
   * The rows for the project as it is now. One request after the other, so that the second finds what the first has kept.
   * @throws MeetupError if dbt can't read the project
   */
  rows(): Promise<ColumnRows> {
    const next = this.#last.then(() => this.#read());
    this.#last = next.catch(() => undefined);
    return next;
  }

  async #read(): Promise<ColumnRows> {
    const { lineage, digest } = await knownLineage(this.#paths, this.#effects);
    if (digest !== undefined && this.#kept?.digest === digest) return this.#kept.rows;
    const rows = await this.#rowsOf(lineage);
    this.#kept = digest === undefined ? undefined : { digest, rows };
    return rows;
  }

  #rowsOf(lineage: KnownLineage['lineage']): Promise<ColumnRows> {
    const graph = lineageGraph(lineage);
    return columnRows(graph, (node) => {
      const model = graph.models.get(node);
      return model !== undefined && isPublic(model, this.#paths);
    });
  }
}
