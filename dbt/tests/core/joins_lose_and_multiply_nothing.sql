-- Joining a fact to all of its dimensions must keep the number of rows and seats, including orphans.
with before_joins as (
    select
        count(*) as row_count,
        sum(seats) as seats
    from {{ ref('fct_rsvps') }}
),

after_joins as (
    select
        count(*) as row_count,
        sum(rsvps.seats) as seats
    from {{ ref('fct_rsvps') }} as rsvps
    inner join {{ ref('fct_events') }} as events on rsvps.event_key = events.event_key
    inner join {{ ref('dim_groups') }} as groups on rsvps.group_id = groups.group_id
    inner join {{ ref('dim_members') }} as members on rsvps.user_id = members.user_id
    inner join {{ ref('dim_dates') }} as dates on events.starts_on_local = dates.date_on
    left join {{ ref('dim_venues') }} as venues on events.venue_id = venues.venue_id
    where events.venue_id is null or venues.venue_id is not null
)

select
    before_joins.row_count,
    after_joins.row_count as joined_row_count,
    before_joins.seats,
    after_joins.seats as joined_seats
from before_joins
cross join after_joins
where
    before_joins.row_count <> after_joins.row_count
    or before_joins.seats <> after_joins.seats
