{{
    config(
        materialized='incremental',
        unique_key='event_key',
        meta={'states': 'int_event_record_states', 'scope': 'event_key', 'state': ['records_state', 'gone_state', 'rejected_state']},
        pre_hook='{{ prepare_states() }}',
        post_hook='{{ remember_states() }}',
    )
}}

-- The start of a single event may differ in a rejected record; recurring events are told apart by their start.
with records as (
    select
        versions.*,
        rejected.batch_number as rejected_number
    from {{ ref('int_event_versions') }} as versions
    left join {{ ref('int_last_rejected') }} as rejected
        on
        case
            when versions.is_recurring then {{ source_key(['versions.group_id', 'versions.created_ms', 'versions.starts_ms']) }}
            else {{ source_key(['versions.group_id', 'versions.created_ms']) }}
        end = rejected.record_key
        and rejected.entity = 'events'
    where {{ is_changed('versions.event_key', 'int_event_record_states') }}
),

versions as (
    select
        event_key,
        series_key,
        is_recurring,
        _batch_seq,
        _dropped_on,
        _source_file,
        _record_index,
        {{ version_rank('event_key') }} as version_rank,
        cast(count(*) over (partition by event_key) as bigint) as version_count,
        {{ latest_known('rsvp_count') }} as rsvp_count,
        {{ latest_known('_batch_seq') }} as _answers_batch_seq,
        {{ latest_known('_source_file') }} as _answers_source_file,
        {{ latest_known('_record_index') }} as _answers_record_index,
        min(starts_ms) over (partition by event_key) <> max(starts_ms) over (partition by event_key) as is_moved,
        max(rejected_number) over (partition by event_key) as rejected_number
    from records
    window known_first as (partition by event_key order by {{ known_order('has_answer_list') }})
),

events as (
    select * from {{ ref('stg_meetup__events') }}
)

select
    versions.event_key,
    versions.series_key,
    events.group_id,
    events.venue_id,
    events.event_name,
    events.status,
    {{ is_cancelled('events.status') }} as is_cancelled,
    {{ is_draft('events.status') }} as is_draft,
    versions.is_recurring,
    versions.is_moved,
    versions.version_count,
    events.created_ms,
    events.created_at,
    events.starts_ms,
    events.starts_at,
    events.duration_ms,
    events.rsvp_limit,
    versions.rsvp_count,
    {{ gone_at() }} as gone_at,
    versions._batch_seq,
    versions._dropped_on,
    versions._source_file,
    versions._record_index,
    versions._answers_batch_seq,
    versions._answers_source_file,
    versions._answers_record_index
from versions
inner join events on {{ is_same_record('versions', 'events') }}
left join {{ ref('int_gone_after') }} as seen on versions._batch_seq = seen._batch_seq and seen.entity = 'events'
left join {{ ref('int_gone_after') }} as rejected on versions.rejected_number = rejected.batch_number and rejected.entity = 'events'
where versions.version_rank = 1
