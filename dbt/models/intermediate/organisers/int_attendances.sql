-- The only definition of attendance: a yes to an event that was held. There are no check-ins.
select
    rsvps.event_key,
    rsvps.group_id,
    rsvps.user_id,
    events.starts_at as attended_at,
    cast(date_trunc('month', events.starts_at) as date) as attended_month_on
from {{ ref('fct_rsvps') }} as rsvps
inner join {{ ref('fct_events') }} as events on rsvps.event_key = events.event_key
where
    rsvps.response = 'yes'
    and events.is_held
