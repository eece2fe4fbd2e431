-- Changes whenever the records change that an event and its answers come from, or its status with as_of.
select
    latest.event_key,
    {{ rows_digest([
        'latest._batch_seq', 'latest._source_file', 'latest._record_index',
        'latest._answers_batch_seq', 'latest._answers_source_file', 'latest._answers_record_index',
        'latest.is_recurring', 'latest.is_moved', 'latest.version_count', 'latest.gone_at',
        is_held('latest.starts_at', 'latest.is_cancelled', 'latest.is_draft', 'latest.gone_at', 'clock.as_of'),
        is_upcoming('latest.starts_at', 'latest.is_cancelled', 'latest.is_draft', 'latest.gone_at', 'clock.as_of'),
    ]) }} as status_state
from {{ ref('int_events_latest') }} as latest
cross join {{ ref('int_as_of') }} as clock
group by latest.event_key
