select
    events.event_key,
    events.starts_at,
    events.status,
    events.is_held,
    clock.as_of
from {{ ref('fct_events') }} as events
cross join {{ ref('int_as_of') }} as clock
where events.is_held <> (events.starts_at < clock.as_of and coalesce(lower(events.status), '') not in ('cancelled', 'canceled', 'draft', 'proposed', 'suggested') and (events.gone_at is null or events.starts_at < events.gone_at))
