-- fct_rsvps compares these with the records that its rows come from.
select
    event_key,
    series_key,
    rsvp_count,
    _answers_batch_seq as _batch_seq,
    _answers_source_file as _source_file,
    _answers_record_index as _record_index
from {{ ref('int_events_latest') }}
