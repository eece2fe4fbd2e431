import { stringify } from 'yaml';
import type { Contract, Contracts } from '../ingest/schemas.ts';
import { isNameableInDbt, needsQuotes } from '../schema/docs/column-names.ts';

/** A column as SQL names it on each engine. */
const sqlName = (name: string): string =>
  needsQuotes(name) ? `{{ adapter.quote('${name.replaceAll("'", "\\'")}') }}` : name;

const LATEST = '_dropped_on desc, _batch_seq desc, _record_index desc, _source_file desc';

/** The fields that a dbt model can name. */
const nameable = ({ record }: Contract): Contract['record']['fields'] =>
  record.fields.filter(([name]) => isNameableInDbt(name));

/** The key, if a dbt model can name all of it. */
const keyOf = ({ key }: Contract): readonly string[] => (key.every(isNameableInDbt) ? key : []);

/**
 * One row per record, or, if the schema knows what identifies one, the latest version of each.
 * @param schemas the folder of the schemas, for comments.
 */
export function stagingSql(entity: string, contract: Contract, schemas: string): string {
  const key = keyOf(contract);
  const columns = nameable(contract)
    .map(([name]) => `    ${sqlName(name)}`)
    .join(',\n');
  const source = `{{ source('raw', '${entity}') }}`;
  if (key.length === 0) {
    return `-- One row per record. Name the key in ${schemas}/${entity}.schema.json to keep only the latest version of each.\nselect\n${columns}\nfrom ${source}\n`;
  }
  const partition = key.map(sqlName).join(', ');
  return `-- One row per ${key.join(' and ')}: the record that came last.
with ranked as (
    select
        *,
        row_number() over (partition by ${partition} order by ${LATEST}) as _rank
    from ${source}
)

select
${columns}
from ranked
where _rank = 1
`;
}

/** The staging models, with tests of their keys. */
export function stagingYml(contracts: Contracts): string {
  const models = [...contracts]
    .map(([entity, contract]) => ({ entity, key: keyOf(contract) }))
    .map(({ entity, key }) => ({
      name: `stg_${entity}`,
      description:
        key.length === 0 ? `One row per record of ${entity}.` : `One row per ${key.join(' and ')}: its latest version.`,
      ...(key.length === 0
        ? {}
        : {
            columns: key.map((name) => ({
              name,
              ...(needsQuotes(name) ? { quote: true } : {}),
              data_tests: key.length === 1 ? ['unique', 'not_null'] : ['not_null'],
            })),
          }),
    }));
  return stringify({ models });
}

/** A unit test: of two versions of a record the later one counts; without a key, every record does. */
export function fixtureYml(entity: string, contract: Contract): string {
  const key = keyOf(contract);
  const columns = key.length > 0 ? key : firstScalar(contract);
  const types = new Map(contract.record.fields);
  const value = (name: string, number: number): string | number | boolean => {
    const type = types.get(name);
    const sql = type?.kind === 'scalar' ? type.sql : 'VARCHAR';
    if (/INT|DOUBLE|DECIMAL/.test(sql)) return number;
    return /BOOL/.test(sql) ? true : String.fromCharCode(96 + number);
  };
  const row = (number: number): Record<string, string | number | boolean> =>
    Object.fromEntries(columns.map((name) => [name, value(name, number)]));
  const given = (number: number, seq: number) => ({ ...row(number), _batch_seq: seq, _record_index: 0 });
  const test =
    key.length > 0
      ? {
          name: `stg_${entity}_keeps_one_version_of_each`,
          given: [given(1, 1), given(1, 2), given(2, 1)],
          expect: [row(1), row(2)],
        }
      : { name: `stg_${entity}_keeps_every_record`, given: [given(1, 1), given(2, 1)], expect: [row(1), row(2)] };
  return stringify({
    unit_tests: [
      {
        name: test.name,
        model: `stg_${entity}`,
        given: [{ input: `source('raw', '${entity}')`, rows: test.given }],
        expect: { rows: test.expect },
      },
    ],
  });
}

function firstScalar(contract: Contract): string[] {
  const found = nameable(contract).find(([, type]) => type.kind === 'scalar' && /INT|DOUBLE|VARCHAR/.test(type.sql));
  return found === undefined ? [] : [found[0]];
}
