/** Words that DuckDB or Spark don't take for a column unless it is quoted. */
const RESERVED = new Set(
  'all analyse analyze and anti any array as asc asof asymmetric at authorization between binary both by case cast check collate column concurrently constraint create cross current_date current_time current_timestamp current_user date default deferrable delete desc describe distinct do drop else end except exists false fetch for foreign freeze from full generated glob grant group having ilike in initially inner insert intersect interval into is isnull join lambda lateral leading left like limit map minus natural not notnull null offset on only or order outer over overlaps partition pivot pivot_longer pivot_wider placing positional primary qualify references returning right rows sample select semi session_user set show similar some struct summarize symmetric table tablesample then time timestamp to trailing true union unique unpivot update user using values variadic verbose view when where window with'.split(
    ' ',
  ),
);

/** Whether dbt can name a column: its adapters don't escape quotes, and its tests render names as Jinja. */
export const isNameableInDbt = (name: string): boolean => !/["`]|\{[{%#]/.test(name);

/** Whether a column's name has to be quoted in SQL. */
export const needsQuotes = (name: string): boolean => !/^[a-z_][a-z0-9_]*$/.test(name) || RESERVED.has(name);
