{{ config(unique_key='topic_key') }}

select
    topics.topic_key,
    -- Spellings that differ only in case are one topic; the first in sort order, with capitals first, is its name.
    min(topics.topic_name) as topic_name,
    cast(count(distinct case when groups.gone_at is null then topics.group_id end) as bigint) as group_count
from {{ ref('int_group_topics') }} as topics
inner join {{ ref('int_groups_latest') }} as groups on topics.group_id = groups.group_id
group by topics.topic_key
