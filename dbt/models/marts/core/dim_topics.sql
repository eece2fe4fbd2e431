{{ config(unique_key='topic_key') }}

select
    topic_key,
    -- Spellings that differ only in case are one topic; the first in sort order, with capitals first, is its name.
    min(topic_name) as topic_name,
    cast(count(distinct group_id) as bigint) as group_count
from {{ ref('int_group_topics') }}
group by topic_key
