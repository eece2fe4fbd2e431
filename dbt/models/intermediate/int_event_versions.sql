{{
    config(
        materialized='incremental' if target.type == 'duckdb' else 'view',
        unique_key=['_batch_seq', '_source_file', '_record_index'],
        meta={'states': 'int_series_record_states', 'scope': 'series_key', 'state': ['records_state']},
        pre_hook='{{ prepare_states() }}',
        post_hook='{{ remember_states() }}',
    )
}}

-- The source has no event id. Only this model decides whether two records are the same event; docs/models.md has the rule.
with numbered as (
    select
        {{ surrogate_key(['group_id', 'created_ms']) }} as series_key,
        group_id,
        created_ms,
        starts_ms,
        starts_at,
        rsvp_count,
        has_answer_list,
        _batch_seq,
        _dropped_on,
        _source_file,
        _record_index,
        row_number() over (partition by group_id, created_ms order by {{ version_order() }}) as version_number,
        dense_rank() over (partition by group_id, created_ms order by _dropped_on, _batch_seq) as drop_number
    from {{ ref('stg_meetup__events') }}
    where {{ is_changed(surrogate_key(['group_id', 'created_ms']), 'int_series_record_states') }}
),

drops as (
    select
        series_key,
        drop_number,
        min(_dropped_on) as _dropped_on,
        count(distinct starts_ms) as start_count,
        min(starts_ms) as first_ms,
        min(starts_at) as first_at
    from numbered
    group by series_key, drop_number
),

-- Two starts in one drop are two events. So are two starts in two drops if the first start was over when the later drop was written,
-- because an event that is over can't be moved.
compared_drops as (
    select
        series_key,
        drop_number,
        start_count > 1 as shows_two_starts,
        first_ms <> lag(first_ms) over series
        and lag(first_at) over series < cast(_dropped_on as timestamp) as follows_a_past_start
    from drops
    window series as (partition by series_key order by drop_number)
),

first_recurring as (
    select
        series_key,
        min(drop_number) as drop_number
    from compared_drops
    where shows_two_starts or follows_a_past_start
    group by series_key
),

placed as (
    select
        numbered.*,
        first_recurring.drop_number is not null as is_recurring,
        coalesce(numbered.drop_number < first_recurring.drop_number, true) as is_before_recurring
    from numbered
    left join first_recurring on numbered.series_key = first_recurring.series_key
),

-- As long as the series shows one start at a time, it is one event: its key comes from the first start, its time from the latest one.
anchors as (
    select
        series_key,
        min_by(starts_ms, version_number) as anchor_ms,
        max_by(starts_ms, version_number) as last_ms
    from placed
    where is_before_recurring
    group by series_key
),

identified as (
    select
        placed.*,
        case
            when placed.is_before_recurring or placed.starts_ms = anchors.last_ms then anchors.anchor_ms
            else placed.starts_ms
        end as identity_ms,
        -- The first event was moved away from this start. Another one now has this start and must not get the same key.
        not placed.is_before_recurring
        and coalesce(placed.starts_ms = anchors.anchor_ms and placed.starts_ms <> anchors.last_ms, false) as is_reused_start
    from placed
    left join anchors on placed.series_key = anchors.series_key
)

select
    case
        when is_reused_start then {{ surrogate_key(['group_id', 'created_ms', 'identity_ms', "'reused'"]) }}
        else {{ surrogate_key(['group_id', 'created_ms', 'identity_ms']) }}
    end as event_key,
    series_key,
    group_id,
    created_ms,
    starts_ms,
    is_recurring,
    rsvp_count,
    has_answer_list,
    _batch_seq,
    _dropped_on,
    _source_file,
    _record_index
from identified
