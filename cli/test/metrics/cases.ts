import type { Cell } from '../../src/warehouse/warehouse.ts';

/** Where a page shows a metric. */
export interface Shown {
  readonly page: string;
  readonly query: string;
  /** The columns with the case's dimensions, and that with the value. */
  readonly by: readonly string[];
  readonly value: string;
  /** Columns with these values, for a query that has several metrics in one column. */
  readonly rows?: Readonly<Record<string, Cell>>;
  /** Whether the page leaves out some of the rows, such as those before the last 90 days. */
  readonly isPart?: boolean;
}

/** One metric, asked in three ways. */
export interface Case {
  readonly metric: string;
  /** In MetricFlow's notation. */
  readonly by: readonly string[];
  /** MetricFlow's filter; GROUP is the group that the organisers' page shows at first. */
  readonly where?: string;
  /** The same in plain SQL on the marts: the dimensions, then the value. */
  readonly sql: string;
  readonly shown: Shown;
}

const OF_GROUP = "{{ Entity('group_id') }} = GROUP";

const total = (metric: string, sql: string): Case => ({
  metric,
  by: [],
  sql,
  shown: { page: 'product', query: 'totals', by: [], value: metric },
});

const peopleByMonth = (metric: string, kind: string, column: string): Case => ({
  metric,
  by: ['metric_time__month'],
  sql: `select month_start_on, ${column} from platform_months where is_month_over`,
  shown: { page: 'product', query: 'active', by: ['month_start_on'], value: 'people', rows: { kind } },
});

const groupsByMonth = (metric: string, kind: string, column: string): Case => ({
  metric,
  by: ['metric_time__month'],
  sql: `select month_start_on, count_if(${column}) from group_months where is_month_over group by all`,
  shown: { page: 'product', query: 'lapsing', by: ['month_start_on'], value: 'groups', rows: { kind }, isPart: true },
});

const attendeesByMonth = (metric: string, kind: string): Case => ({
  metric,
  by: ['metric_time__month'],
  where: OF_GROUP,
  sql: `select month_start_on, ${metric} from group_months where is_month_over and group_id = GROUP`,
  shown: {
    page: 'organiser',
    query: 'attendees_by_month',
    by: ['month_start_on'],
    value: 'attendees',
    rows: { kind },
  },
});

const byMonthsSince = (metric: string, sql: string, value: string): Case => ({
  metric,
  by: ['cohort_month__months_since'],
  where: OF_GROUP,
  sql: `select months_since, ${sql} from attendee_cohorts where is_month_over and events_held > 0 and group_id = GROUP group by all`,
  shown: { page: 'organiser', query: 'retention', by: ['months_since'], value },
});

const ofGroup = (metric: string, query: string, sql: string): Case => ({
  metric,
  by: [],
  where: OF_GROUP,
  sql: `select ${sql} from group_attendees where group_id = GROUP`,
  shown: { page: 'organiser', query, by: [], value: metric },
});

const byVenue = (metric: string, column: string): Case => ({
  metric,
  by: ['venue_id'],
  where: OF_GROUP,
  sql: `select venue_id, median(${column}) from event_performance where is_held and group_id = GROUP group by all`,
  // Events without a venue have no row there.
  shown: { page: 'organiser', query: 'venues', by: ['venue_id'], value: metric, isPart: true },
});

/** Every metric of the project. */
export const cases: readonly Case[] = [
  total('groups', 'select count(*) from dim_groups where not is_unknown'),
  total('members', 'select count(*) from dim_members where not is_unknown'),
  total('events_held', 'select count(*) from fct_events where is_held'),
  total('answers', 'select count(*) from fct_rsvps'),
  total('yes_answers', "select count(*) from fct_rsvps where response = 'yes'"),
  total('yes_share', "select avg(case when response = 'yes' then 1.0 else 0 end) from fct_rsvps"),
  peopleByMonth('active_people', 'Active people', 'active_people'),
  peopleByMonth('attending_people', 'Attending people', 'attending_people'),
  peopleByMonth('new_attending_people', 'New attending people', 'new_attending_people'),
  {
    metric: 'daily_attendees',
    by: ['metric_time__day'],
    sql: 'select date_on, attendees from platform_days where is_day_over',
    shown: { page: 'product', query: 'days', by: ['date_on'], value: 'attendees', isPart: true },
  },
  groupsByMonth('groups_lapsed', 'Lapsed', 'is_newly_lapsed'),
  groupsByMonth('groups_revived', 'Revived', 'is_revived'),
  {
    metric: 'group_members',
    by: ['metric_time__month'],
    where: OF_GROUP,
    sql: 'select month_start_on, members from group_months where is_month_over and group_id = GROUP',
    shown: { page: 'organiser', query: 'months', by: ['month_start_on'], value: 'members' },
  },
  attendeesByMonth('new_attendees', 'New'),
  attendeesByMonth('returning_attendees', 'Returning'),
  byMonthsSince('retention', 'sum(returning_members) / sum(cohort_members)', 'retention'),
  byMonthsSince('cohort_members', 'sum(cohort_members)', 'people'),
  byMonthsSince('returning_members', 'sum(returning_members)', 'returned'),
  ofGroup('active_members', 'totals', 'count(distinct case when is_active then user_id end)'),
  ofGroup('regulars', 'regulars', 'count_if(is_regular)'),
  ofGroup('lapsed_regulars', 'regulars', 'count_if(is_lapsed_regular)'),
  byVenue('median_seats', 'yes_seats'),
  byVenue('median_fill', 'fill'),
];
