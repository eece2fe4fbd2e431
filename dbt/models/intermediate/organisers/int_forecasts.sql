{{
    config(
        materialized='incremental',
        unique_key=['event_key', 'lead_days'],
        meta={'states': 'int_event_states', 'scope': 'event_key', 'state': ['event_state', 'past_state', 'is_active', 'upcoming_state']},
        pre_hook='{{ prepare_states() }}',
        post_hook='{{ remember_states() }}',
    )
}}

{# The number of a group's past events that a forecast uses at most, and at least. #}
{% set most_events = 20 %}
{% set least_events = 3 %}
{# Seats added to both sides of the ratio, so that one answer more doesn't mean twice the crowd. docs/marts.md has measurements. #}
{% set damping = 40 %}
-- Upcoming events as of as_of, and the events held in the last active_days as of so many days before their start, to measure the
-- accuracy of such forecasts. From here on, both are treated the same.
with points as (
    select
        events.event_key,
        events.group_id,
        events.starts_at,
        events.yes_seats,
        events.is_upcoming,
        -- In whole seconds on every engine.
        cast({{ dbt.datediff("date_trunc('second', clock.as_of)", "date_trunc('second', events.starts_at)", 'second') }} as double)
        / 86400 as lead_days,
        clock.as_of as forecast_at
    from {{ ref('fct_events') }} as events
    cross join {{ ref('int_as_of') }} as clock
    where events.is_upcoming and {{ is_changed('events.event_key', 'int_event_states') }}
    union all
    select
        events.event_key,
        events.group_id,
        events.starts_at,
        events.yes_seats,
        events.is_upcoming,
        cast(days.n as double) as lead_days,
        {{ dbt.dateadd('day', '-cast(days.n as int)', 'events.starts_at') }} as forecast_at
    from {{ ref('fct_events') }} as events
    cross join {{ ref('int_as_of') }} as clock
    cross join range(1, 22) as days (n)
    where
        events.is_held
        and {{ is_changed('events.event_key', 'int_event_states') }}
        and events.starts_at >= {{ dbt.dateadd('day', '-' ~ var('active_days'), 'clock.as_of') }}
        and days.n in (1, 3, 7, 14, 21)
),

-- A forecast can only use events that were over when it is made.
ranked as (
    select
        points.event_key,
        points.lead_days,
        past.event_key as past_event_key,
        past.yes_seats as past_seats,
        row_number() over (
            partition by points.event_key, points.lead_days
            order by past.starts_at desc, past.event_key asc
        ) as past_rank
    from points
    inner join {{ ref('fct_events') }} as past on points.group_id = past.group_id
    where past.is_held and past.starts_at < points.forecast_at
),

used_events as (
    select event_key from points
    union distinct
    select past_event_key as event_key from ranked
    where past_rank <= {{ most_events }}
),

leads as (
    select * from {{ ref('int_yes_leads') }}
    where event_key in (select event_key from used_events)
),

answered as (
    select
        points.event_key,
        points.lead_days,
        sum(leads.seats) as seats
    from points
    inner join leads
        on points.event_key = leads.event_key and points.lead_days <= leads.lead_days
    group by points.event_key, points.lead_days
),

past_answered as (
    select
        ranked.event_key,
        ranked.lead_days,
        ranked.past_event_key,
        ranked.past_seats,
        {{ count_or_0('sum(leads.seats)') }} as past_seats_by_then
    from ranked
    left join leads
        on ranked.past_event_key = leads.event_key and ranked.lead_days <= leads.lead_days
    where ranked.past_rank <= {{ most_events }}
    group by ranked.event_key, ranked.lead_days, ranked.past_event_key, ranked.past_seats
),

past as (
    select
        event_key,
        lead_days,
        count(*) as past_events,
        median(past_seats) as usual_seats,
        median(past_seats_by_then) as usual_seats_by_then,
        median(past_seats - past_seats_by_then) as usual_rest,
        percentile_cont(0.1) within group (order by past_seats - past_seats_by_then) as low_rest,
        percentile_cont(0.9) within group (order by past_seats - past_seats_by_then) as high_rest
    from past_answered
    group by event_key, lead_days
),

paced as (
    select
        points.event_key,
        points.group_id,
        points.is_upcoming,
        points.lead_days,
        points.yes_seats,
        {{ count_or_0('answered.seats') }} as seats_by_then,
        {{ count_or_0('past.past_events') }} as past_events,
        cast(past.usual_seats as double) as usual_seats,
        cast(past.usual_rest as double) as usual_rest,
        -- Interpolating between equal counts can be off by a rounding error, and the interval would then exclude the median.
        round(cast(past.low_rest as double), 6) as low_rest,
        round(cast(past.high_rest as double), 6) as high_rest,
        -- An event that is ahead of the usual course by now also gets more answers from here on.
        cast(coalesce(answered.seats, 0) + {{ damping }} as double) / (past.usual_seats_by_then + {{ damping }}) as pace,
        -- The fewer past events there are, the more often an event ends up outside of what they gathered.
        1 + cast(1 as double) / past.past_events as width
    from points
    left join answered on points.event_key = answered.event_key and points.lead_days = answered.lead_days
    left join past on points.event_key = past.event_key and points.lead_days = past.lead_days
)

select
    event_key,
    group_id,
    is_upcoming,
    lead_days,
    yes_seats,
    seats_by_then,
    past_events,
    case when past_events >= {{ least_events }} then usual_seats end as usual_seats,
    case when past_events >= {{ least_events }} then seats_by_then + pace * usual_rest end as forecast_seats,
    -- Whole seats, outwards, after rounding errors are gone. Never less than there already are.
    case
        when past_events >= {{ least_events }}
            then greatest(
                cast(floor(round(seats_by_then + pace * (usual_rest - width * (usual_rest - low_rest)), 6)) as double),
                cast(seats_by_then as double)
            )
    end as low_seats,
    case
        when past_events >= {{ least_events }}
            then cast(ceil(round(seats_by_then + pace * (usual_rest + width * (high_rest - usual_rest)), 6)) as double)
    end as high_seats
from paced
