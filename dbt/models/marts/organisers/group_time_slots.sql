{{ config(unique_key=['group_id', 'local_iso_weekday', 'local_hour']) }}

with held as (
    select
        events.group_id,
        events.local_iso_weekday,
        events.local_hour,
        performance.yes_seats,
        performance.fill
    from {{ ref('fct_events') }} as events
    inner join {{ ref('event_performance') }} as performance on events.event_key = performance.event_key
    where events.is_held
),

usual as (
    select
        group_id,
        median(yes_seats) as usual_seats
    from held
    group by group_id
),

slots as (
    select
        group_id,
        local_iso_weekday,
        local_hour,
        count(*) as held_events,
        median(yes_seats) as median_yes_seats,
        median(fill) as median_fill
    from held
    group by group_id, local_iso_weekday, local_hour
)

select
    slots.group_id,
    slots.local_iso_weekday,
    slots.local_hour,
    cast(slots.held_events as bigint) as held_events,
    cast(slots.median_yes_seats as double) as median_yes_seats,
    cast(slots.median_fill as double) as median_fill,
    cast(usual.usual_seats as double) as usual_yes_seats,
    {{ safe_ratio('slots.median_yes_seats', 'usual.usual_seats') }} as relative_to_usual
from slots
inner join usual on slots.group_id = usual.group_id
