{{ config(unique_key='venue_id') }}

with used as (
    select
        venue_id,
        count_if(is_held) as held_events,
        count_if(is_upcoming) as upcoming_events,
        count(distinct case when is_held then group_id end) as group_count,
        sum(case when is_held then yes_seats else 0 end) as yes_seats,
        median(yes_seats) filter (where is_held) as median_yes_seats,
        median(fill) filter (where is_held) as median_fill,
        count_if(is_held and is_full) as full_events,
        max(yes_seats) filter (where is_held) as largest_yes_seats,
        max(rsvp_limit) filter (where is_held) as largest_rsvp_limit,
        count(distinct case when is_held then rsvp_limit end) as rsvp_limits,
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
    {{ count_or_0('used.held_events') }} as held_events,
    {{ count_or_0('used.upcoming_events') }} as upcoming_events,
    {{ count_or_0('used.group_count') }} as group_count,
    {{ count_or_0('used.yes_seats') }} as yes_seats,
    cast(used.median_yes_seats as double) as median_yes_seats,
    used.median_fill,
    {{ count_or_0('used.full_events') }} as full_events,
    used.largest_yes_seats,
    used.largest_rsvp_limit,
    {{ count_or_0('used.rsvp_limits') }} as rsvp_limits,
    used.last_used_at,
    venues.is_unknown,
    venues.is_gone
from {{ ref('dim_venues') }} as venues
left join used on venues.venue_id = used.venue_id
