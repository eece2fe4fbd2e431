{{
    config(
        incremental_strategy='replace_superseded',
        unique_key='rsvp_key',
        liquid_clustered_by=['group_id', 'event_key'],
        meta={
            'states': 'int_answer_records',
            'scope': 'event_key',
            'state': ['_batch_seq', '_source_file', '_record_index'],
        },
        pre_hook='{{ prepare_states() }}',
        post_hook='{{ remember_states() }}',
    )
}}

-- Events whose latest list of answers is not the one that this table's rows come from; in a full build, all of them.
with changed_events as (
    select
        latest.event_key,
        latest.series_key,
        {{ record_columns('latest') }}
    from {{ ref('int_answer_records') }} as latest
    where latest.rsvp_count > 0 and {{ is_new_record('latest', 'event_key', 'int_answer_records') }}
),

ranked as (
    select
        rsvps.*,
        -- A record contains all answers to its event, so sort by its numbers, which is faster than by the event's key.
        {{ answer_rank(record_columns('rsvps'), 'rsvps') }} as answer_rank
    from {{ ref('stg_meetup__rsvps') }} as rsvps
    semi join changed_events on {{ is_same_record('rsvps', 'changed_events') }}
)

select
    {{ surrogate_key(['changed_events.event_key', 'ranked.user_id']) }} as rsvp_key,
    changed_events.event_key,
    changed_events.series_key,
    ranked.group_id,
    ranked.user_id,
    ranked.response,
    ranked.guests,
    {{ seats('ranked.response', 'ranked.guests') }} as seats,
    ranked.responded_at,
    ranked._batch_seq,
    ranked._source_file,
    ranked._record_index
from ranked
inner join changed_events on {{ is_same_record('ranked', 'changed_events') }}
where ranked.answer_rank = 1
