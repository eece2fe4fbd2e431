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
    ranked.group_id,
    ranked.group_name,
    ranked.description,
    ranked.link,
    ranked.city,
    ranked.created_ms,
    ranked.created_at,
    ranked.latitude,
    ranked.longitude,
    ranked.told_topic_count as topic_count,
    ranked.told_topics as topics,
    {{ gone_at() }} as gone_at,
    ranked._batch_seq,
    ranked._dropped_on,
    ranked._source_file,
    ranked._record_index,
    ranked._loaded_at,
    ranked._topics_batch_seq,
    ranked._topics_source_file,
    ranked._topics_record_index
from ranked
left join {{ ref('int_gone_after') }} as seen on ranked._batch_seq = seen._batch_seq and seen.entity = 'groups'
left join {{ ref('int_last_rejected') }} as rejected
    on {{ source_key(['ranked.group_id']) }} = rejected.record_key and rejected.entity = 'groups'
where ranked.version_rank = 1
