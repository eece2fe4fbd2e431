{{ config(materialized='incremental' if target.type == 'duckdb' else 'view', unique_key='group_id') }}

-- Each column changes whenever anything changes that it covers. Models with rows per group use this to find the groups to compute again.
with clock as (
    select
        as_of,
        date_trunc('month', as_of) as month_starts_at,
        {{ dbt.dateadd('day', '-' ~ var('activation_days'), 'as_of') }} as judged_until
    from {{ ref('int_as_of') }}
),

-- New answers to coming events are in every drop. Most models only need the groups of which something else changed.
events as (
    select
        group_id,
        {{ rows_digest(['event_state']) }} as events_state,
        {{ rows_digest(['event_state'], where='has_started') }} as started_state,
        {{ rows_digest(['event_state'], where='is_held') }} as held_state,
        -- Held events that are recent enough to count for active members, lapsed regulars and lapsed groups.
        concat_ws('|', cast(count_if(is_active) as string), cast(count_if(is_recent) as string)) as recent_state
    from {{ ref('int_event_states') }}
    group by group_id
),

-- Answers after as_of are wrong dates, or later than the variable as_of. They count once as_of has passed them.
later_answers as (
    select
        rsvps.group_id,
        count(*) as later_answers
    from {{ ref('fct_rsvps') }} as rsvps
    cross join clock
    where rsvps.responded_at > clock.as_of
    group by rsvps.group_id
),

gone_members as (
    select
        rsvps.group_id,
        {{ rows_digest(['rsvps.user_id']) }} as gone_state
    from {{ ref('fct_rsvps') }} as rsvps
    inner join {{ ref('dim_members') }} as members on rsvps.user_id = members.user_id
    where members.is_gone
    group by rsvps.group_id
),

memberships as (
    select
        memberships.group_id,
        {{ rows_digest(['memberships.user_id', 'memberships.joined_at', 'memberships.joined_at <= clock.as_of']) }} as members_state,
        count_if(memberships.joined_at <= clock.judged_until) as judged_state
    from {{ ref('fct_memberships') }} as memberships
    cross join clock
    group by memberships.group_id
)

select
    groups.group_id,
    groups.created_at as founding_state,
    concat_ws('|', coalesce(events.events_state, ''), cast(coalesce(later_answers.later_answers, 0) as string)) as events_state,
    events.started_state,
    events.held_state,
    events.recent_state,
    concat_ws('|', cast(groups.is_gone as string), coalesce(gone_members.gone_state, '')) as gone_state,
    memberships.members_state,
    cast(memberships.judged_state as bigint) as judged_state,
    clock.month_starts_at as month_state
from {{ ref('dim_groups') }} as groups
cross join clock
left join events on groups.group_id = events.group_id
left join later_answers on groups.group_id = later_answers.group_id
left join gone_members on groups.group_id = gone_members.group_id
left join memberships on groups.group_id = memberships.group_id
