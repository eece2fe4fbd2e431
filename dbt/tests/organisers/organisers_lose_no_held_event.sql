with held as (
    select
        count(*) as events,
        count_if(venue_id is not null) as venue_events,
        coalesce(sum(case when venue_id is not null then yes_seats else 0 end), 0) as venue_seats
    from {{ ref('fct_events') }}
    where is_held
),

venues as (
    select
        coalesce(sum(held_events), 0) as events,
        coalesce(sum(yes_seats), 0) as yes_seats
    from {{ ref('venue_scorecard') }}
),

slots as (
    select sum(held_events) as events
    from {{ ref('time_slots') }}
)

select
    held.events,
    held.venue_events,
    held.venue_seats,
    venues.events as counted_venue_events,
    venues.yes_seats as counted_venue_seats,
    slots.events as counted_slot_events
from held
cross join venues
cross join slots
where
    held.events <> slots.events
    or held.venue_events <> venues.events
    or held.venue_seats <> venues.yes_seats
