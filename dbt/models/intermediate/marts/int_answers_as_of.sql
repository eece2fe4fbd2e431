-- Answers given by as_of. An answer to an event that was held counts even if its own date is later, which can only be wrong.
select
    rsvps.event_key,
    rsvps.group_id,
    rsvps.user_id,
    rsvps.response,
    rsvps.responded_at
from {{ ref('fct_rsvps') }} as rsvps
cross join {{ ref('int_as_of') }} as clock
where rsvps.responded_at <= clock.as_of
union all
select
    rsvps.event_key,
    rsvps.group_id,
    rsvps.user_id,
    rsvps.response,
    rsvps.responded_at
from {{ ref('fct_rsvps') }} as rsvps
inner join {{ ref('fct_events') }} as events on rsvps.event_key = events.event_key
cross join {{ ref('int_as_of') }} as clock
where rsvps.responded_at > clock.as_of and events.is_held
