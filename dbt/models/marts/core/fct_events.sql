{{
    config(
        unique_key='event_key',
        meta={'states': 'int_event_status_states', 'scope': 'event_key', 'state': ['status_state']},
        pre_hook='{{ prepare_states() }}',
        post_hook='{{ remember_states() }}',
    )
}}

with answers as (
    select
        event_key,
        count_if(response = 'yes') as yes_count,
        sum(case when response = 'yes' then seats else 0 end) as yes_seats,
        count_if(response = 'no') as no_count,
        count_if(response = 'waitlist') as waitlist_count,
        sum(case when response = 'waitlist' then seats else 0 end) as waitlist_seats
    from {{ ref('fct_rsvps') }}
    where {{ is_changed('event_key', 'int_event_status_states') }}
    group by event_key
),

events as (
    select
        *,
        {{ epoch_ms_to_local('starts_ms') }} as starts_at_local,
        -- The end of an event that supposedly lasts longer than 365 days is unknown.
        case when duration_ms <= 31536000000 then starts_ms + duration_ms end as ends_ms
    from {{ ref('int_events_latest') }}
    where {{ is_changed('event_key', 'int_event_status_states') }}
)

select
    events.event_key,
    events.series_key,
    events.group_id,
    events.venue_id,
    events.event_name,
    events.status,
    events.is_cancelled,
    events.is_draft,
    {{ is_held('events.starts_at', 'events.is_cancelled', 'events.is_draft', 'events.gone_at', 'clock.as_of') }} as is_held,
    {{ is_upcoming('events.starts_at', 'events.is_cancelled', 'events.is_draft', 'events.gone_at', 'clock.as_of') }} as is_upcoming,
    events.gone_at is not null as is_gone,
    events.gone_at,
    events.is_recurring,
    events.is_moved,
    events.created_at,
    events.starts_at,
    {{ epoch_ms_to_utc('events.ends_ms') }} as ends_at,
    events.starts_at_local,
    cast(events.starts_at_local as date) as starts_on_local,
    {{ iso_weekday('cast(events.starts_at_local as date)') }} as local_iso_weekday,
    cast(extract(hour from events.starts_at_local) as int) as local_hour,
    cast(events.duration_ms as double) / 60000 as duration_minutes,
    events.rsvp_limit,
    {{ count_or_0('answers.yes_count') }} as yes_count,
    {{ count_or_0('answers.yes_seats') }} as yes_seats,
    {{ count_or_0('answers.no_count') }} as no_count,
    {{ count_or_0('answers.waitlist_count') }} as waitlist_count,
    {{ count_or_0('answers.waitlist_seats') }} as waitlist_seats,
    events.version_count,
    events._batch_seq,
    events._dropped_on
from events
left join answers on events.event_key = answers.event_key
cross join {{ ref('int_as_of') }} as clock
