{{ config(unique_key=['local_iso_weekday', 'local_hour']) }}

with slots as (
    select
        cast(floor(numbers.n / 24) as int) + 1 as local_iso_weekday,
        cast(mod(numbers.n, 24) as int) as local_hour
    from range(0, 168) as numbers (n)
),

held as (
    select
        events.local_iso_weekday,
        events.local_hour,
        events.group_id,
        performance.yes_seats,
        performance.fill,
        performance.is_full
    from {{ ref('event_performance') }} as performance
    inner join {{ ref('fct_events') }} as events on performance.event_key = events.event_key
    where performance.is_held
),

counted as (
    select
        local_iso_weekday,
        local_hour,
        count(*) as held_events,
        count(distinct group_id) as group_count,
        avg(yes_seats) as mean_yes_seats,
        median(yes_seats) as median_yes_seats,
        median(fill) as median_fill,
        count_if(is_full) as full_events
    from held
    group by local_iso_weekday, local_hour
)

select
    slots.local_iso_weekday,
    slots.local_hour,
    {{ count_or_0('counted.held_events') }} as held_events,
    {{ safe_ratio('coalesce(counted.held_events, 0)', 'sum(counted.held_events) over ()') }} as event_share,
    {{ count_or_0('counted.group_count') }} as group_count,
    counted.mean_yes_seats,
    cast(counted.median_yes_seats as double) as median_yes_seats,
    counted.median_fill,
    {{ count_or_0('counted.full_events') }} as full_events
from slots
left join counted
    on slots.local_iso_weekday = counted.local_iso_weekday and slots.local_hour = counted.local_hour
