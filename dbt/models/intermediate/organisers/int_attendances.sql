{{
    config(
        materialized='incremental' if target.type == 'duckdb' else 'view',
        unique_key=['event_key', 'user_id'],
        meta={'states': 'int_event_states', 'scope': 'event_key', 'state': ['event_state']},
        pre_hook='{{ prepare_states() }}',
        post_hook='{{ remember_states() }}',
    )
}}

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
    and {{ is_changed('rsvps.event_key', 'int_event_states') }}
