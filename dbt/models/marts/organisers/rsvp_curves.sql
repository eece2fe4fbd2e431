{{
    config(
        unique_key=['event_key', 'days_before'],
        meta={'states': 'int_event_states', 'scope': 'event_key', 'state': ['event_state']},
        pre_hook='{{ prepare_states() }}',
        post_hook='{{ remember_states() }}',
    )
}}

{% set last_day = 60 %}
with placed as (
    select
        event_key,
        seats,
        -- A yes after the start counts for the last day, one from before the window for its first day.
        cast(floor(least(greatest(lead_days, 0), {{ last_day }})) as int) as days_before
    from {{ ref('int_yes_leads') }}
    where {{ is_changed('event_key', 'int_event_states') }}
),

-- Every event has a day 0, so that every curve is complete, even if nobody said yes.
days as (
    select
        event_key,
        days_before,
        seats
    from placed
    union all
    select
        event_key,
        0 as days_before,
        0 as seats
    from {{ ref('fct_events') }}
    where {{ is_changed('event_key', 'int_event_states') }}
),

daily as (
    select
        event_key,
        days_before,
        cast(sum(seats) as bigint) as new_yes_seats
    from days
    group by event_key, days_before
),

cumulated as (
    select
        event_key,
        days_before,
        new_yes_seats,
        cast(sum(new_yes_seats) over (
            partition by event_key
            order by days_before desc
            rows between unbounded preceding and current row
        ) as bigint) as cumulative_yes_seats
    from daily
)

select
    cumulated.event_key,
    events.group_id,
    cumulated.days_before,
    cumulated.new_yes_seats,
    cumulated.cumulative_yes_seats,
    -- The final count of an event that has not started is unknown.
    case
        when events.starts_at < clock.as_of
            then {{ safe_ratio('cumulated.cumulative_yes_seats', 'events.yes_seats') }}
    end as cumulative_share,
    events.is_held
from cumulated
inner join {{ ref('fct_events') }} as events on cumulated.event_key = events.event_key
cross join {{ ref('int_as_of') }} as clock
