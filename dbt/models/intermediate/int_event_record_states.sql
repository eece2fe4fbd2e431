-- Changes whenever an event's records change, or what a complete drop says about any event.
with gone as (
    select {{ rows_digest(['_batch_seq', 'gone_at']) }} as gone_state
    from {{ ref('int_gone_after') }}
    where entity = 'events' and gone_at is not null
),

rejected as (
    select {{ rows_digest(['record_key', 'batch_number', 'gone_at']) }} as rejected_state
    from {{ ref('int_last_rejected') }}
    where entity = 'events'
),

records as (
    select
        event_key,
        {{ rows_digest(['_batch_seq', '_source_file', '_record_index', 'is_recurring']) }} as records_state
    from {{ ref('int_event_versions') }}
    group by event_key
)

select
    records.event_key,
    records.records_state,
    gone.gone_state,
    rejected.rejected_state
from records
cross join gone
cross join rejected
