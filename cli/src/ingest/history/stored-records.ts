import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import type { DuckDbWarehouse } from '../../warehouse/duckdb.ts';
import { type DuckDbType, parseType } from '../../warehouse/duckdb-type.ts';
import { quoteIdentifier } from '../../warehouse/sql.ts';
import {
  isObject,
  type JsonSchema,
  propertiesOf,
  requiredOf,
  resolve,
  type SchemaObject,
} from '../contract/json-schema.ts';
import { isLoadColumn } from '../schemas.ts';

/** A record from a raw table as JSON, with its origin. */
export interface StoredRecord {
  readonly row: bigint;
  readonly text: string;
  readonly value: unknown;
  readonly batch: string;
  readonly sourceFile: string;
  readonly index: number;
}

/** The number of records that are read at once. */
const PORTION = 2000;

/**
 * Yields the records of a raw table as JSON for a schema. A null in a column may have been a missing property: it counts as
 * null if the schema requires the property and allows null there, and as missing otherwise.
 * @param columns the table's columns and their types.
 */
export async function* storedRecords(
  warehouse: DuckDbWarehouse,
  entity: string,
  columns: ReadonlyMap<string, string>,
  schema: SchemaObject,
): AsyncGenerator<readonly StoredRecord[]> {
  const own = [...columns].filter(([name]) => !isLoadColumn(name));
  const fields = own.map(([name]) => `${quoteIdentifier(name)} := ${quoteIdentifier(name)}`);
  const type: DuckDbType = { kind: 'struct', fields: new Map(own.map(([name, text]) => [name, parseType(text)])) };
  const nulls = new NullTest(schema);
  let after = '-1';
  for (;;) {
    const { rows } = await warehouse.query(
      `select rowid::varchar, to_json(struct_pack(${fields.join(', ')}))::varchar, _batch_id, _source_file, _record_index
       from raw.${quoteIdentifier(entity)} where rowid > ${after} order by rowid limit ${PORTION}`,
    );
    if (rows.length === 0) return;
    yield rows.map(([row, text, batch, sourceFile, index]) => {
      const value = nulls.without(JSON.parse(String(text)), schema, type);
      return {
        row: BigInt(String(row)),
        text: JSON.stringify(value),
        value,
        batch: String(batch),
        sourceFile: String(sourceFile),
        index: Number(index),
      };
    });
    after = String(rows.at(-1)?.[0]);
  }
}

/** Removes nulls that a schema doesn't require. */
class NullTest {
  readonly #root: SchemaObject;
  readonly #ajv = new Ajv2020({ strict: false });
  readonly #known = new Map<JsonSchema, boolean>();

  constructor(root: SchemaObject) {
    this.#root = root;
    formats.default(this.#ajv);
  }

  without(value: unknown, schema: JsonSchema | undefined, type: DuckDbType): unknown {
    const resolved = schema === undefined ? undefined : resolve(this.#root, schema);
    const keywords = isObject(resolved) ? resolved : {};
    if (Array.isArray(value) && type.kind === 'list') {
      const items = isObject(keywords.items) ? keywords.items : undefined;
      return value.map((item: unknown) => this.without(item, items, type.item));
    }
    if (!isObject(value) || type.kind !== 'struct') return value;
    const properties = new Map(propertiesOf(keywords));
    const required = requiredOf(keywords);
    return Object.fromEntries(
      Object.entries(value).flatMap(([name, inner]) => {
        const property = properties.get(name);
        if (inner === null) {
          const isNull = property !== undefined && required.includes(name) && this.#allowsNull(property);
          return isNull ? [[name, null]] : [];
        }
        const field = type.fields.get(name) ?? { kind: 'plain', name: 'JSON' };
        return [[name, this.without(inner, property, field)]];
      }),
    );
  }

  #allowsNull(schema: JsonSchema): boolean {
    const known = this.#known.get(schema);
    if (known !== undefined) return known;
    const { $defs, properties } = this.#root;
    const allows =
      this.#ajv.compile({ ...($defs === undefined ? {} : { $defs }), properties, allOf: [schema] })(null) === true;
    this.#known.set(schema, allows);
    return allows;
  }
}
