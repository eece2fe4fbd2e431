-- In whole seconds on every engine: fractions are truncated before subtracting.
with yes_answers as (
    select
        rsvps.event_key,
        rsvps.group_id,
        rsvps.user_id,
        rsvps.guests,
        rsvps.seats,
        {{ dbt.datediff("date_trunc('second', rsvps.responded_at)", "date_trunc('second', events.starts_at)", 'second') }} as lead_seconds
    from {{ ref('fct_rsvps') }} as rsvps
    inner join {{ ref('fct_events') }} as events on rsvps.event_key = events.event_key
    where rsvps.response = 'yes'
)

select
    event_key,
    group_id,
    user_id,
    guests,
    seats,
    cast(lead_seconds as double) / 86400 as lead_days
from yes_answers
