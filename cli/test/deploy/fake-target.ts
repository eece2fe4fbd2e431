import type { Entry, EntryDetails } from '../../src/deploy/ledger.ts';
import type { Remote } from '../../src/deploy/remote.ts';
import { type DatabricksRow, StatementFailedError } from '../../src/warehouse/databricks.ts';

/** A target for the statements of a rollback. Its tables consist only of their operations, its views of their queries, and it records ledger entries. */
export interface FakeTarget {
  readonly remote: Remote;
  /** Operations by `schema.name`, version 0 first. */
  readonly tables: Map<string, string[]>;
  /** Queries by `schema.name`, without quotes and catalog. */
  readonly views: Map<string, string>;
  /** The statements that change something, without quotes and catalog, in order. */
  readonly changes: string[];
  /** The details of the ledger entries that were written. */
  readonly written: EntryDetails[];
}

/**
 * @param refuse returns the error message with which a statement fails, or undefined if it succeeds.
 */
export function fakeTarget(
  tables: Readonly<Record<string, readonly string[]>>,
  refuse: (sql: string) => string | undefined = () => undefined,
): FakeTarget {
  const held = new Map(Object.entries(tables).map(([name, operations]) => [name, [...operations]]));
  const views = new Map<string, string>();
  const changes: string[] = [];
  const written: EntryDetails[] = [];
  const rows = async (sql: string): Promise<DatabricksRow[]> => {
    const refused = refuse(sql);
    if (!/^(show|describe|select|insert)/.test(sql)) changes.push(bare(sql));
    if (refused !== undefined) throw new StatementFailedError(refused, undefined, undefined);
    const named = (pattern: RegExp): string =>
      (pattern.exec(sql)?.[1] ?? '').replaceAll('`', '').replace(/^main\./, '');
    const operationsOf = (name: string): string[] => held.get(name) ?? [];
    const listed = (names: Iterable<string>): string[] => {
      const schema = named(/in (\S+)/);
      return [...names].filter((name) => name.startsWith(`${schema}.`)).map((name) => name.slice(schema.length + 1));
    };
    if (sql.startsWith('show tables'))
      return listed([...held.keys(), ...views.keys()]).map((tableName) => ({ tableName }));
    if (sql.startsWith('show views')) return listed(views.keys()).map((viewName) => ({ viewName }));
    if (sql.startsWith('show create table')) {
      const query = views.get(named(/table (\S+)/)) ?? '';
      return [
        {
          createtab_stmt: `CREATE VIEW x (\n  a)\nAS ${query.replace(/ from (\S+)\.(\S+)/, ' from `main`.`$1`.`$2`')}`,
        },
      ];
    }
    if (/^(create view if not exists|alter view) /.test(sql)) {
      const isNew = sql.startsWith('create');
      const view = named(isNew ? /exists (\S+)/ : /view (\S+)/);
      if (!isNew || !views.has(view)) views.set(view, bare(sql).slice(bare(sql).indexOf('select ')));
    }
    if (sql.startsWith('drop view')) views.delete(named(/exists (\S+)/));
    if (sql.startsWith('describe history')) {
      return operationsOf(named(/history (\S+)/))
        .map((operation, version) => ({ version, operation, timestamp: `time ${version}` }))
        .reverse()
        .slice(0, Number(/limit (\d+)/.exec(sql)?.[1]));
    }
    if (sql.startsWith('restore table')) operationsOf(named(/table (\S+)/)).push('RESTORE');
    const renamed = /^alter table (\S+) rename to (\S+)$/.exec(sql);
    if (renamed !== null) {
      const from = named(/table (\S+)/);
      held.set(named(/rename to (\S+)/), operationsOf(from));
      held.delete(from);
    } else if (sql.startsWith('alter table')) operationsOf(named(/table (\S+)/)).push('SET TBLPROPERTIES');
    if (sql.startsWith('drop table')) held.delete(named(/exists (\S+)/));
    if (sql.startsWith('insert into')) {
      const text = /, '((?:[^'\\]|\\.)*)'$/.exec(sql)?.[1] ?? '{}';
      written.push(JSON.parse(text.replaceAll(/\\(.)/g, '$1')));
    }
    return [];
  };
  return { remote: remoteAnswering(rows), tables: held, views, changes, written };
}

const bare = (sql: string): string => sql.replaceAll('`', '').replaceAll('main.', '');

/** A target that answers statements with `rows`. */
export function remoteAnswering(rows: (sql: string) => Promise<DatabricksRow[]>): Remote {
  const nothing = async (): Promise<void> => undefined;
  const run = async (sql: string): Promise<void> => void (await rows(sql));
  return { catalog: 'main', connection: { rows, run, put: nothing, get: nothing, remove: nothing, close: nothing } };
}

/** A ledger entry with these fields. The others don't matter. */
export const entryOf = (event: Entry['event'], deployment: string, details: EntryDetails, seq = 1): Entry => ({
  seq,
  deployment,
  event,
  at: '2026-11-28 10:00:00',
  who: 'somebody',
  commit: null,
  plan_hash: '',
  versions: '{}',
  details,
});
