{{ config(unique_key='topic_key') }}

select
    topic_key,
    -- The same topic in another spelling of case is one topic; capitals sort first.
    min(topic_name) as topic_name,
    cast(count(distinct group_id) as bigint) as group_count
from {{ ref('int_group_topics') }}
group by topic_key
