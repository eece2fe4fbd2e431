{{ config(materialized='incremental' if target.type == 'duckdb' else 'view', unique_key='event_key') }}

-- Each column changes whenever anything changes that it covers. Models with rows per event use this to find the events to compute again.
with events as (
    select
        events.event_key,
        events.group_id,
        events.starts_at,
        events.is_held,
        events.starts_at < clock.as_of as has_started,
        {{ rows_digest([
            'events.event_key', 'events.event_name', 'events.venue_id', 'events.created_at', 'events.starts_at', 'events.rsvp_limit',
            'events.is_recurring', 'events.is_held', 'events.is_upcoming', 'events.is_cancelled', 'events.starts_at < clock.as_of',
            'events.yes_seats', 'latest._answers_batch_seq', 'latest._answers_source_file', 'latest._answers_record_index',
        ]) }} as event_state,
        coalesce(events.is_held and events.starts_at >= {{ dbt.dateadd('day', '-' ~ var('active_days'), 'clock.as_of') }}, false) as is_active,
        coalesce(events.is_held and events.starts_at >= {{ dbt.dateadd('day', '-' ~ var('lapsed_days'), 'clock.as_of') }}, false) as is_recent,
        case when events.is_upcoming then clock.as_of end as upcoming_state
    from {{ ref('fct_events') }} as events
    inner join {{ ref('int_events_latest') }} as latest on events.event_key = latest.event_key
    cross join {{ ref('int_as_of') }} as clock
    group by all
)

select
    event_key,
    group_id,
    event_state,
    is_held,
    has_started,
    -- Of the group's held events up to this one: what a forecast can be based on.
    {{ rows_digest(
        ['case when is_held then event_state end'],
        over='(partition by group_id order by starts_at range between unbounded preceding and current row)'
    ) }} as past_state,
    is_active,
    is_recent,
    upcoming_state
from events
