{{
    config(
        materialized='incremental',
        incremental_strategy='replace_superseded',
        unique_key='rsvp_key',
        on_schema_change='fail',
        meta={'current_records': 'int_events_latest', 'record_of': 'event_key'},
    )
}}

-- Events whose latest record is not the one that this table's rows came from: all of them in a full build.
with changed_events as (
    select
        event_key,
        series_key,
        {{ record_columns() | join(', ') }}
    from {{ ref('int_events_latest') }}
    where rsvp_count > 0
    {%- if is_incremental() %}
        and not exists (
            select 1
            from {{ this }} as known
            where known.event_key = int_events_latest.event_key
                and {{ is_same_record('known', 'int_events_latest') }}
        )
    {%- endif %}
),

answers as (
    select
        changed_events.event_key,
        changed_events.series_key,
        rsvps.group_id,
        rsvps.user_id,
        rsvps.response,
        rsvps.guests,
        rsvps.responded_at,
        rsvps._batch_seq,
        rsvps._source_file,
        rsvps._record_index,
        row_number() over (
            partition by changed_events.event_key, rsvps.user_id
            order by rsvps.responded_ms desc, rsvps.rsvp_offset desc
        ) as answer_rank
    from {{ ref('stg_meetup__rsvps') }} as rsvps
    inner join changed_events on {{ is_same_record('rsvps', 'changed_events') }}
)

select
    {{ surrogate_key(['event_key', 'user_id']) }} as rsvp_key,
    event_key,
    series_key,
    group_id,
    user_id,
    response,
    guests,
    {{ seats('response', 'guests') }} as seats,
    responded_at,
    _batch_seq,
    _source_file,
    _record_index
from answers
where answer_rank = 1
