with ranked as (
    select
        *,
        {{ version_rank('group_id') }} as version_rank
    from {{ ref('stg_meetup__groups') }}
)

select
    group_id,
    group_name,
    description,
    link,
    city,
    created_ms,
    created_at,
    latitude,
    longitude,
    topic_count,
    topics,
    _batch_seq,
    _dropped_on,
    _source_file,
    _record_index,
    _loaded_at
from ranked
where version_rank = 1
