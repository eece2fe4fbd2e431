with answers as (
    select
        event_key,
        count_if(response = 'yes') as yes_count,
        sum(case when response = 'yes' then seats else 0 end) as yes_seats,
        count_if(response = 'no') as no_count,
        count_if(response = 'waitlist') as waitlist_count,
        sum(case when response = 'waitlist' then seats else 0 end) as waitlist_seats
    from {{ ref('fct_rsvps') }}
    group by event_key
),

events as (
    select
        *,
        {{ epoch_ms_to_local('starts_ms') }} as starts_at_local
    from {{ ref('int_events_latest') }}
)

select
    events.event_key,
    events.series_key,
    events.group_id,
    events.venue_id,
    events.event_name,
    events.status,
    events.is_cancelled,
    {{ is_held('events.starts_at', 'events.is_cancelled', 'clock.as_of') }} as is_held,
    events.is_recurring,
    events.is_moved,
    events.created_at,
    events.starts_at,
    -- Who says that it lasts longer than 365 days does not know when it ends.
    {{ epoch_ms_to_utc('events.starts_ms + case when events.duration_ms <= 31536000000 then events.duration_ms end') }} as ends_at,
    events.starts_at_local,
    cast(events.starts_at_local as date) as starts_on_local,
    {{ iso_weekday('cast(events.starts_at_local as date)') }} as local_iso_weekday,
    cast(extract(hour from events.starts_at_local) as int) as local_hour,
    cast(events.duration_ms as double) / 60000 as duration_minutes,
    events.rsvp_limit,
    coalesce(cast(answers.yes_count as bigint), 0) as yes_count,
    coalesce(cast(answers.yes_seats as bigint), 0) as yes_seats,
    coalesce(cast(answers.no_count as bigint), 0) as no_count,
    coalesce(cast(answers.waitlist_count as bigint), 0) as waitlist_count,
    coalesce(cast(answers.waitlist_seats as bigint), 0) as waitlist_seats,
    events.version_count,
    events._batch_seq,
    events._dropped_on
from events
left join answers on events.event_key = answers.event_key
cross join {{ ref('int_as_of') }} as clock
