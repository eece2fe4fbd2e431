with curves as (
    select
        event_key,
        sum(new_yes_seats) as new_yes_seats,
        max(case when days_before = 0 then cumulative_yes_seats end) as last_yes_seats
    from {{ ref('rsvp_curves') }}
    group by event_key
)

select
    events.event_key,
    events.yes_seats,
    curves.new_yes_seats,
    curves.last_yes_seats
from {{ ref('fct_events') }} as events
left join curves on events.event_key = curves.event_key
where
    curves.event_key is null
    or events.yes_seats <> curves.new_yes_seats
    or events.yes_seats <> coalesce(curves.last_yes_seats, -1)
