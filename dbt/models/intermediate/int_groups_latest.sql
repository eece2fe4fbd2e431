with ranked as (
    select
        *,
        {{ version_rank('group_id') }} as version_rank,
        {{ latest_known('topic_count') }} as told_topic_count,
        {{ latest_known('topics') }} as told_topics,
        {{ latest_known('_batch_seq') }} as _topics_batch_seq,
        {{ latest_known('_source_file') }} as _topics_source_file,
        {{ latest_known('_record_index') }} as _topics_record_index
    from {{ ref('stg_meetup__groups') }}
    window known_first as (partition by group_id order by {{ known_order('has_topic_list') }})
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
    told_topic_count as topic_count,
    told_topics as topics,
    _batch_seq,
    _dropped_on,
    _source_file,
    _record_index,
    _loaded_at,
    _topics_batch_seq,
    _topics_source_file,
    _topics_record_index
from ranked
where version_rank = 1
