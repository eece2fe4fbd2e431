-- Changes whenever a record of the series is added or removed.
select
    {{ surrogate_key(['group_id', 'created_ms']) }} as series_key,
    {{ rows_digest(['_batch_seq', '_source_file', '_record_index', 'starts_ms']) }} as records_state
from {{ ref('stg_meetup__events') }}
group by group_id, created_ms
