import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

const caseSchema = z.strictObject({
  name: z.string(),
  input: z.union([z.string(), z.array(z.string().nullable()), z.null()]),
  expected: z.string().nullable(),
  /** A time zone to use instead of the project's. */
  zone: z.string().optional(),
});
const casesSchema = z.record(z.string(), z.array(caseSchema).min(1));

export interface Case extends z.infer<typeof caseSchema> {
  readonly macro: string;
  /** Identifies the case. */
  readonly id: number;
}

export async function readCases(): Promise<readonly Case[]> {
  const text = await readFile(join(import.meta.dirname, 'cases.yml'), 'utf8');
  const all = Object.entries(casesSchema.parse(parse(text)));
  return all.flatMap(([macro, cases]) => cases.map((one) => ({ ...one, macro }))).map((one, id) => ({ ...one, id }));
}

/** A dbt model with one row per case. Its code is the same for both engines. */
export function modelOf(cases: readonly Case[]): string {
  return `{{ config(materialized='view', schema='cases') }}\n${cases.map(selectOf).join('\nunion all\n')}\n`;
}

/** Two macros for lists in tests. Models have no list literals, which each engine writes differently. */
export const LITERALS = `
{% macro case_list(items) %}{{ return(adapter.dispatch('case_list')(items)) }}{% endmacro %}
{% macro default__case_list(items) %}cast(array({{ items | join(', ') }}) as array<string>){% endmacro %}
{% macro duckdb__case_list(items) %}cast([{{ items | join(', ') }}] as varchar[]){% endmacro %}
{% macro case_no_list() %}{{ return(adapter.dispatch('case_no_list')()) }}{% endmacro %}
{% macro default__case_no_list() %}cast(null as array<string>){% endmacro %}
{% macro duckdb__case_no_list() %}cast(null as varchar[]){% endmacro %}
`;

function selectOf(one: Case): string {
  const row = (value: string, from: string): string =>
    `select ${one.id} as case_id, cast(${value} as string) as result from ${from}`;
  switch (one.macro) {
    case 'epoch_ms_to_utc':
    case 'epoch_ms_to_local':
      return row(`{{ ${one.macro}('given.x')${inZone(one)} }}`, `(select ${String(one.input)} as x) as given`);
    case 'list_length':
    case 'list_to_text':
      return row(`{{ ${one.macro}('given.x') }}`, `(select ${list(one.input)} as x) as given`);
    case 'joined_text':
      return row(`{{ joined_text('given.x') }}`, `(${rows(one.input)}) as given`);
    case 'unnest_list':
      return row(
        counted('unnested.item'),
        `(select item from ${given(one)} {{ unnest_list('given.x', 'item') }}) as unnested`,
      );
    case 'unnest_list_with_offset':
      return row(
        counted(`cast(unnested.place as string) || unnested.item`),
        `(select item, item_offset - min(item_offset) over () as place from ${given(one)} {{ unnest_list_with_offset('given.x', 'item') }}) as unnested`,
      );
    case 'json_property':
      return row(
        `{{ json_property('given.x', 'a') }}`,
        `(select ${typeof one.input === 'string' ? literal(one.input) : literal(null)} as x) as given`,
      );
    case 'rows_digest': {
      const [these, those] = String(one.input).split(' / ').map(pairs);
      return row(
        `case when ${digestOf(these)} = ${digestOf(those)} then 'same' else 'different' end`,
        '(select 1 as x) as given',
      );
    }
    default:
      throw new TypeError(`The macro ${one.macro} has no case yet: add one here.`);
  }
}

/** Replaces the time zone in the macro's output, because another value of the variable would need another parse. */
const inZone = ({ zone }: Case): string => (zone === undefined ? '' : ` | replace(var('local_time_zone'), '${zone}')`);

const counted = (item: string): string =>
  `cast(count(*) as string) || '|' || coalesce({{ joined_text('${item}') }}, 'none')`;

const given = (one: Case): string => `(select ${list(one.input)} as x) as given`;

function list(items: Case['input']): string {
  return Array.isArray(items) ? `{{ case_list(${JSON.stringify(items.map(literal))}) }}` : '{{ case_no_list() }}';
}

function rows(values: Case['input']): string {
  return (Array.isArray(values) ? values : []).map((value) => `select ${literal(value)} as x`).join(' union all ');
}

const digestOf = (rows = ''): string => `(select {{ rows_digest(['pairs.a', 'pairs.b']) }} from (${rows}) as pairs)`;

/** Rows of two columns from a text such as `1 null, 2 3`. */
const pairs = (text: string): string =>
  text
    .split(', ')
    .map((pair) => pair.split(' ').map((value, i) => `cast(${value} as bigint) as ${i === 0 ? 'a' : 'b'}`))
    .map((columns) => `select ${columns.join(', ')}`)
    .join(' union all ');

const literal = (value: string | null): string => (value === null ? 'cast(null as string)' : `'${value}'`);
