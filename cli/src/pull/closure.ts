import { type CommonType, parseType } from '../compare/types.ts';
import { quoteName, quoteText } from '../warehouse/databricks-sql.ts';
import type { Wanted } from './choice.ts';

/** A source's table on the target, as far as rows are chosen from it. */
export interface ClosedTable {
  /** dbt's unique id of the source. */
  readonly id: string;
  /** For people: `raw.events`. */
  readonly name: string;
  /** Its quoted place on the target. */
  readonly place: string;
  /** Types as the target writes them, by column in lower case. */
  readonly columns: ReadonlyMap<string, string>;
}

/** A column, or a field inside of it, and the rows of another table that its values name. */
export interface Reference {
  readonly child: string;
  /** The column, and the fields inside of it. */
  readonly path: readonly string[];
  readonly parent: string;
  readonly column: string;
}

/** Rows that everything begins with. */
export interface Seed {
  readonly table: string;
  readonly column: string;
  readonly wanted: Wanted;
}

/** The rows that are chosen from one table. */
export interface Chosen {
  readonly table: string;
  /** A condition in Spark SQL; it may name the sets of `with`. */
  readonly where: string;
  /** The sets of keys that the condition needs: `with …`, or nothing. */
  readonly with: string;
  /** Why its rows are there, in a few words each. */
  readonly why: readonly string[];
}

export interface Closure {
  readonly chosen: readonly Chosen[];
  /** References in a circle, such as an employee's manager: they are followed only so far. */
  readonly cut: readonly string[];
}

/** How often a reference of a table to itself is followed. */
const OWN_STEPS = 3;

interface Term {
  readonly sql: string;
  readonly why: string;
  readonly needs: readonly string[];
  readonly seed?: Seed;
  /** The reference by which it was reached from a chosen parent. */
  readonly down?: Reference;
}

/**
 * The rows that belong to the chosen keys, as conditions: what refers to a chosen row (and what refers to that, and so on), and then
 * what any of these rows refers to. What else refers to a row of the second kind is left out, or a single key would bring everything.
 * Values never leave the target: a condition names the rows of other tables by subqueries.
 */
export function closureOf(
  tables: readonly ClosedTable[],
  references: readonly Reference[],
  seeds: readonly Seed[],
): Closure {
  const closing = new Closing(tables, references);
  closing.begin(seeds);
  closing.goDown(seeds);
  closing.goUp();
  return closing.result();
}

class Closing {
  readonly #tables: ReadonlyMap<string, ClosedTable>;
  readonly #references: readonly Reference[];
  readonly #terms = new Map<string, Term[]>();
  /** Sets of keys, in the order in which they are defined. */
  readonly #sets = new Map<string, { readonly sql: string; readonly needs: readonly string[] }>();
  readonly #cut = new Set<string>();

  constructor(tables: readonly ClosedTable[], references: readonly Reference[]) {
    this.#tables = new Map(tables.map((table) => [table.id, table]));
    this.#references = references.filter(
      ({ child, parent, path, column }) =>
        this.#typeOf(child, path) !== undefined && this.#typeOf(parent, [column]) !== undefined,
    );
  }

  begin(seeds: readonly Seed[]): void {
    for (const seed of seeds) {
      const why = seed.wanted.kind === 'share' ? `a share of ${seed.column}` : `chosen by ${seed.column}`;
      this.#add(seed.table, { sql: this.#seedCondition(seed), why, needs: [], seed });
    }
  }

  /** Level by level, so that a table is reached on the shortest ways. */
  goDown(seeds: readonly Seed[]): void {
    const reached = new Set(seeds.map(({ table }) => table));
    for (let level = [...reached]; level.length > 0; ) {
      const next = this.#references.filter(({ child, parent }) => level.includes(parent) && !reached.has(child));
      for (const reference of next) this.#follow(reference, 'down');
      level = [...new Set(next.map(({ child }) => child))];
      for (const table of level) reached.add(table);
    }
  }

  /** A table's rows are known once those of all tables that refer to it are. */
  goUp(): void {
    const done = new Set<string>();
    const open = new Set<string>();
    const finish = (table: string): void => {
      if (done.has(table) || open.has(table)) return;
      open.add(table);
      for (const reference of this.#references.filter(({ parent, child }) => parent === table && child !== table)) {
        if (open.has(reference.child)) this.#cut.add(this.#words(reference));
        finish(reference.child);
        if (this.#terms.has(reference.child) && !this.#isClosed(reference)) this.#follow(reference, 'up');
      }
      this.#followOwn(table);
      open.delete(table);
      done.add(table);
    };
    for (const table of this.#tables.keys()) finish(table);
  }

  result(): Closure {
    const chosen = [...this.#terms].map(([table, terms]): Chosen => {
      const needed = this.#needed(terms.flatMap(({ needs }) => needs));
      const sets = [...this.#sets].filter(([name]) => needed.has(name)).map(([name, { sql }]) => `${name} as (${sql})`);
      return {
        table,
        where: this.#condition(terms),
        with: sets.length === 0 ? '' : `with ${sets.join(',\n')}\n`,
        why: [...new Set(terms.map(({ why }) => why))],
      };
    });
    return { chosen, cut: [...this.#cut] };
  }

  #followOwn(table: string): void {
    for (const reference of this.#references.filter(({ parent, child }) => parent === table && child === table)) {
      if (!this.#terms.has(table)) continue;
      for (let step = 0; step < OWN_STEPS; step += 1) this.#follow(reference, 'up');
      this.#cut.add(this.#words(reference));
    }
  }

  /** Adds the rows at the other end of a reference. */
  #follow(reference: Reference, way: 'down' | 'up'): void {
    const { child, path, parent, column } = reference;
    const [from, fromPath, to, toPath] =
      way === 'down' ? [parent, [column], child, path] : [child, path, parent, [column]];
    const set = this.#setOf(from, fromPath);
    const why = way === 'down' ? `refers to ${this.#name(parent)}` : `${this.#name(child)} refers to it`;
    const values = this.#valuesAt(to, toPath);
    const sql = values.isList
      ? `arrays_overlap(${values.sql}, (select collect_list(v) from ${set}))`
      : `${values.sql} in (select v from ${set})`;
    this.#add(to, { sql, why, needs: [set], ...(way === 'down' ? { down: reference } : {}) });
  }

  /** The set of a column's values in the rows that are chosen so far. */
  #setOf(table: string, path: readonly string[]): string {
    const terms = this.#terms.get(table) ?? [];
    const values = this.#valuesAt(table, path);
    const rows = `from ${this.#place(table)} where ${this.#condition(terms)}`;
    const sql = values.isList
      ? `select distinct v from (select explode(${values.sql}) as v ${rows}) where v is not null`
      : `select distinct ${values.sql} as v ${rows} and ${values.sql} is not null`;
    const known = [...this.#sets].find(([, set]) => set.sql === sql)?.[0];
    if (known !== undefined) return known;
    const name = `keys_${this.#sets.size + 1}`;
    this.#sets.set(name, { sql, needs: terms.flatMap(({ needs }) => needs) });
    return name;
  }

  /** Whether all rows that a table refers to are chosen for the very reason that its own rows are. */
  #isClosed(reference: Reference): boolean {
    const { child, parent, path, column } = reference;
    const ours = this.#terms.get(child) ?? [];
    const theirs = this.#terms.get(parent) ?? [];
    const isList = this.#valuesAt(child, path).isList;
    return (
      !isList &&
      ours.every(({ seed, down }) => {
        if (down !== undefined) return down === reference;
        return (
          seed !== undefined &&
          path.length === 1 &&
          seed.column === path[0] &&
          theirs.some((term) => term.seed?.column === column && term.seed.wanted === seed.wanted)
        );
      })
    );
  }

  #condition(terms: readonly Term[]): string {
    return terms.length === 1 ? (terms[0]?.sql ?? 'false') : `(${terms.map(({ sql }) => sql).join(' or ')})`;
  }

  #add(table: string, term: Term): void {
    const terms = this.#terms.get(table) ?? [];
    if (!terms.some(({ sql }) => sql === term.sql)) this.#terms.set(table, [...terms, term]);
  }

  #seedCondition({ table, column, wanted }: Seed): string {
    const name = quoteName(column);
    if (wanted.kind === 'share') {
      return `pmod(xxhash64(cast(${name} as string)), 10000) < ${wanted.perTenThousand}`;
    }
    const type = this.#typeOf(table, [column]);
    // Without a cast of the column, so that the target can skip files.
    const isNumber =
      type?.kind === 'plain' &&
      /^int\d+$/.test(type.name) &&
      wanted.values.every((value) => /^-?\d{1,18}$/.test(value));
    if (isNumber) return `${name} in (${wanted.values.join(', ')})`;
    const texts = wanted.values.map(quoteText).join(', ');
    const isText = type?.kind === 'plain' && type.name === 'string';
    return `${isText ? name : `cast(${name} as string)`} in (${texts})`;
  }

  /** A column's values as text, or a list of them if it is inside of a list. */
  #valuesAt(table: string, path: readonly string[]): { sql: string; isList: boolean } {
    const [column = '', ...fields] = path;
    const described = this.#tables.get(table)?.columns.get(column.toLowerCase());
    const type = described === undefined ? undefined : parseType(described);
    return type === undefined ? { sql: 'null', isList: false } : valuesIn(quoteName(column), type, fields, 0);
  }

  #typeOf(table: string, path: readonly string[]): CommonType | undefined {
    const [column = '', ...fields] = path;
    const described = this.#tables.get(table)?.columns.get(column.toLowerCase());
    return described === undefined ? undefined : typeAt(parseType(described), fields);
  }

  #needed(names: readonly string[]): ReadonlySet<string> {
    const found = new Set<string>();
    const add = (name: string): void => {
      if (found.has(name)) return;
      found.add(name);
      for (const needed of this.#sets.get(name)?.needs ?? []) add(needed);
    };
    for (const name of names) add(name);
    return found;
  }

  #place(table: string): string {
    return this.#tables.get(table)?.place ?? quoteName(table);
  }

  #name(table: string): string {
    return this.#tables.get(table)?.name ?? table;
  }

  #words({ child, path, parent }: Reference): string {
    return `${this.#name(child)}.${path.join('.')} → ${this.#name(parent)}`;
  }
}

/** The type of a field, within lists too; undefined if there is no such single value. */
function typeAt(type: CommonType, fields: readonly string[]): CommonType | undefined {
  if (type.kind === 'array') return typeAt(type.element, fields);
  const [first, ...rest] = fields;
  if (type.kind === 'plain') return first === undefined ? type : undefined;
  if (type.kind !== 'struct' || first === undefined) return undefined;
  const field = type.fields.find(({ name }) => name === first.toLowerCase());
  return field === undefined ? undefined : typeAt(field.type, rest);
}

function valuesIn(
  sql: string,
  type: CommonType,
  fields: readonly string[],
  depth: number,
): { sql: string; isList: boolean } {
  if (type.kind === 'array') {
    const item = `x${depth}`;
    const inner = valuesIn(item, type.element, fields, depth + 1);
    const list = `transform(${sql}, ${item} -> ${inner.sql})`;
    return { sql: inner.isList ? `flatten(${list})` : list, isList: true };
  }
  const [first, ...rest] = fields;
  if (type.kind === 'struct' && first !== undefined) {
    const field = type.fields.find(({ name }) => name === first.toLowerCase());
    if (field !== undefined) return valuesIn(`${sql}.${quoteName(field.name)}`, field.type, rest, depth);
  }
  return { sql: `cast(${sql} as string)`, isList: false };
}
