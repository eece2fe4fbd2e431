import { createTable, type RawTable } from '../../ingest/raw-tables.ts';
import { quoteName } from '../../warehouse/databricks-sql.ts';
import { databricksType } from '../../warehouse/databricks-types.ts';

const HEAD = '-- Written by `meetup schema docs` from the schemas in this folder: change those instead.\n';

/** The raw tables as `load` creates them in DuckDB. */
export const duckDbDdl = (tables: readonly RawTable[]): string =>
  `${HEAD}create schema if not exists raw;\n${tables.map((table) => `\n${createTable(table)};\n`).join('')}`;

/** The raw tables as `deploy` creates them on Databricks. */
export const databricksDdl = (tables: readonly RawTable[]): string =>
  `${HEAD}create schema if not exists \`raw\`;\n${tables
    .map((table) => {
      const list = table.columns.map(
        ({ name, type, notNull }) => `  ${quoteName(name)} ${databricksType(type)}${notNull ? ' not null' : ''}`,
      );
      return `\ncreate table if not exists \`raw\`.${quoteName(table.name)} (\n${list.join(',\n')}\n) using delta;\n`;
    })
    .join('')}`;
