import type { Paths } from '../config/paths.ts';
import { openPublished } from '../warehouse/duckdb.ts';
import type { QueryResult } from '../warehouse/warehouse.ts';

/** A sample of the marts: what a sponsor would ask first. */
export interface MartsSummary {
  /** Sentences about implausible data, such as a date in the future. */
  readonly warnings: readonly string[];
  /** Rows of each public mart. */
  readonly totals: QueryResult;
  readonly topGroups: QueryResult;
  readonly risingTopics: QueryResult;
}

const TOTALS = `
  select
    (select count(*) from marts.dim_groups where not is_unknown) as groups,
    (select count(*) from marts.dim_members where not is_unknown) as members,
    (select count(*) from marts.fct_events) as events,
    (select count(*) from marts.fct_rsvps) as rsvps,
    (select as_of from marts.data_freshness) as as_of`;

/** A check whose failure would otherwise go unnoticed: every figure depends on as_of. */
const FUTURE_DATES = `
  select cast(cast(latest_at as date) as varchar), cast(cast(loaded_at as date) as varchar)
  from marts.data_quality
  cross join marts.data_freshness
  where check_name = 'as_of_after_load' and failing_count > 0`;

const TOP_GROUPS = `
  select sponsor_rank as rank, group_name as "group", city, active_members as active, sponsor_score as score
  from marts.group_scorecard
  where sponsor_id = (select min(sponsor_id) from marts.dim_sponsors)
  order by sponsor_rank, group_id
  limit 5`;

const RISING_TOPICS = `
  select topic_name as topic, groups, events_held as events, yes_seats as seats, momentum
  from marts.topic_months
  where is_rising and month_start_on = (select max(month_start_on) from marts.topic_months)
  order by momentum desc, topic_name
  limit 5`;

/** The marts that the summary reads. */
const MARTS = [
  'data_freshness',
  'data_quality',
  'dim_groups',
  'dim_members',
  'dim_sponsors',
  'fct_events',
  'fct_rsvps',
  'group_scorecard',
  'topic_months',
];

/** Reads the summary from the published database; undefined if the project doesn't have all of its marts. */
export async function summarizeMarts(paths: Paths): Promise<MartsSummary | undefined> {
  const published = await openPublished(paths);
  try {
    const { rows } = await published.query(
      "select table_name from information_schema.tables where table_schema = 'marts'",
    );
    const present = new Set(rows.map(([name]) => name));
    if (MARTS.some((name) => !present.has(name))) return undefined;
    return {
      warnings: warningsOf(await published.query(FUTURE_DATES)),
      totals: await published.query(TOTALS),
      topGroups: await published.query(TOP_GROUPS),
      risingTopics: await published.query(RISING_TOPICS),
    };
  } finally {
    await published.close();
  }
}

function warningsOf({ rows }: QueryResult): string[] {
  return rows.map(
    ([latest, loaded]) =>
      `The data holds a date in the future: ${String(latest)}, loaded on ${String(loaded)}. It was ignored when as_of was determined; ` +
      'see as_of_after_load in data_quality.',
  );
}
