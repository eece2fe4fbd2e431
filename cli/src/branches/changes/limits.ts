import type { BranchSettings, RowLimit } from '../../config/project/branch-settings.ts';
import { wrongSetting } from '../../config/project/read-settings.ts';
import type { MartChange } from './mart-change.ts';

/** A limit of meetup.yml that a mart exceeds. */
export interface Exceeded {
  readonly mart: string;
  readonly limit: 'max_changed' | 'max_added' | 'max_removed';
  readonly allowed: RowLimit;
  readonly rows: number;
  /** The number of rows that readers see now. */
  readonly of: number;
}

const LIMITS = ['max_changed', 'max_added', 'max_removed'] as const;

/** The limits that these changes exceed. A mart that readers don't have yet has none. */
export function exceededBy(changes: readonly MartChange[], settings: BranchSettings = {}): Exceeded[] {
  return changes
    .filter(({ status }) => status === 'changed')
    .flatMap((change) =>
      LIMITS.flatMap((limit): Exceeded[] => {
        const allowed = settings.models?.[change.name]?.[limit] ?? settings[limit];
        const rows = rowsOf(change, limit);
        const of = change.rows.before;
        if (allowed === undefined || isWithin(rows, allowed, of)) return [];
        return [{ mart: change.name, limit, allowed, rows, of }];
      }),
    );
}

/** Without a key, a changed row can't be told from one that was removed. */
function rowsOf({ added, removed, changed }: MartChange, limit: Exceeded['limit']): number {
  if (limit === 'max_added') return added;
  return limit === 'max_removed' ? removed : (changed ?? removed);
}

/** In whole numbers, because 0.29 * 100 is less than 29. */
function isWithin(rows: number, allowed: RowLimit, of: number): boolean {
  if (typeof allowed === 'number') return rows <= allowed;
  const [whole = '', decimals = ''] = allowed.slice(0, -1).split('.');
  return BigInt(rows) * 100n * 10n ** BigInt(decimals.length) <= BigInt(whole + decimals) * BigInt(of);
}

/**
 * Refuses limits for models that don't exist, which would never be exceeded.
 * @throws MeetupError with the line of meetup.yml.
 */
export function requireKnown(
  root: string,
  marts: readonly { readonly name: string }[],
  settings: BranchSettings = {},
): void {
  const unknown = Object.keys(settings.models ?? {}).find((name) => !marts.some((mart) => mart.name === name));
  if (unknown === undefined) return;
  throw wrongSetting(
    root,
    ['branch', 'models', unknown],
    `branch.models names ${unknown}, but no public model is called that.`,
  );
}
