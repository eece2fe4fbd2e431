{{
    config(
        unique_key='event_key',
        meta={'states': 'int_event_states', 'scope': 'event_key', 'state': ['event_state']},
        pre_hook='{{ prepare_states() }}',
        post_hook='{{ remember_states() }}',
    )
}}

with yes_answers as (
    select
        event_key,
        sum(guests) as guest_seats,
        median(lead_days) as median_yes_lead_days
    from {{ ref('int_yes_leads') }}
    where {{ is_changed('event_key', 'int_event_states') }}
    group by event_key
),

events as (
    select
        *,
        {{ dbt.datediff("date_trunc('second', created_at)", "date_trunc('second', starts_at)", 'second') }} as lead_seconds
    from {{ ref('fct_events') }}
    where {{ is_changed('event_key', 'int_event_states') }}
)

select
    events.event_key,
    events.group_id,
    events.venue_id,
    events.event_name,
    events.starts_at,
    events.starts_on_local,
    events.is_held,
    events.is_upcoming,
    events.is_cancelled,
    events.is_recurring,
    events.rsvp_limit,
    events.yes_count,
    events.yes_seats,
    events.no_count,
    events.waitlist_count,
    {{ safe_ratio('events.yes_seats', 'events.rsvp_limit') }} as fill,
    -- A limit of 0 admits nobody, so the event is never full.
    coalesce(events.rsvp_limit > 0 and events.yes_seats >= events.rsvp_limit, false) as is_full,
    case
        when events.yes_seats < events.rsvp_limit then events.rsvp_limit - events.yes_seats
        when events.rsvp_limit is not null then 0
    end as free_seats,
    events.waitlist_seats as unmet_demand_seats,
    cast(events.lead_seconds as double) / 86400 as lead_days,
    yes_answers.median_yes_lead_days,
    {{ safe_ratio('events.no_count', 'events.yes_count') }} as no_per_yes,
    {{ count_or_0('yes_answers.guest_seats') }} as guest_seats,
    {{ safe_ratio('yes_answers.guest_seats', 'events.yes_seats') }} as guest_share,
    events.yes_seats as expected_attendance,
    cast(events.yes_seats as double) * (1 - cast({{ var('no_show_rate', 0) }} as double)) as what_if_attendance
from events
left join yes_answers on events.event_key = yes_answers.event_key
