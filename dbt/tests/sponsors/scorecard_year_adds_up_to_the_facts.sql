with facts as (
    select
        count(*) as events_held,
        coalesce(sum(events.yes_seats), 0) as yes_seats
    from {{ ref('fct_events') }} as events
    cross join {{ ref('int_as_of') }} as clock
    where
        events.is_held
        and events.starts_at >= {{ dbt.dateadd('day', '-' ~ var('active_days'), 'clock.as_of') }}
),

scorecard as (
    select
        coalesce(sum(events_held_12m), 0) as events_held,
        coalesce(sum(yes_seats_12m), 0) as yes_seats
    from {{ ref('group_scorecard') }}
    where sponsor_id = (select min(sponsor_id) from {{ ref('dim_sponsors') }})
)

select
    facts.events_held,
    facts.yes_seats,
    scorecard.events_held as scorecard_events_held,
    scorecard.yes_seats as scorecard_yes_seats
from facts
cross join scorecard
where
    facts.events_held <> scorecard.events_held
    or facts.yes_seats <> scorecard.yes_seats
