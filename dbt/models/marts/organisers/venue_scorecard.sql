with used as (
    select
        venue_id,
        count_if(is_held) as held_events,
        count_if(not is_held and not is_cancelled) as upcoming_events,
        count(distinct case when is_held then group_id end) as group_count,
        sum(case when is_held then yes_seats else 0 end) as yes_seats,
        median(yes_seats) filter (where is_held) as median_yes_seats,
        median(fill) filter (where is_held) as median_fill,
        count_if(is_held and is_full) as full_events,
        max(case when is_held then starts_at end) as last_used_at
    from {{ ref('event_performance') }}
    where venue_id is not null
    group by venue_id
)

select
    venues.venue_id,
    venues.venue_name,
    venues.city,
    venues.country,
    venues.latitude,
    venues.longitude,
    coalesce(cast(used.held_events as bigint), 0) as held_events,
    coalesce(cast(used.upcoming_events as bigint), 0) as upcoming_events,
    coalesce(cast(used.group_count as bigint), 0) as group_count,
    coalesce(cast(used.yes_seats as bigint), 0) as yes_seats,
    cast(used.median_yes_seats as double) as median_yes_seats,
    used.median_fill,
    coalesce(cast(used.full_events as bigint), 0) as full_events,
    used.last_used_at,
    venues.is_unknown
from {{ ref('dim_venues') }} as venues
left join used on venues.venue_id = used.venue_id
