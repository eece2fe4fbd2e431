{{
    config(
        unique_key=['event_key', 'version_number'],
        meta={'states': 'int_event_record_states', 'scope': 'event_key', 'state': ['records_state']},
        pre_hook='{{ prepare_states() }}',
        post_hook='{{ remember_states() }}',
    )
}}

with records as (
    select
        versions.event_key,
        events.event_name,
        events.starts_at,
        events.status,
        events.venue_id,
        events.rsvp_limit,
        events.duration_ms,
        versions._batch_seq,
        versions._dropped_on,
        versions._source_file,
        versions._record_index
    from {{ ref('int_event_versions') }} as versions
    inner join {{ ref('stg_meetup__events') }} as events on {{ is_same_record('versions', 'events') }}
    where {{ is_changed('versions.event_key', 'int_event_record_states') }}
),

versions as (
    {{ versions_of('records', 'event_key', ['event_name', 'starts_at', 'status', 'venue_id', 'rsvp_limit', 'duration_ms']) }}
)

select * from versions
