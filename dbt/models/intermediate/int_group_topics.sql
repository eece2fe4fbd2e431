{{ config(materialized='incremental' if target.type == 'duckdb' else 'view', unique_key=['group_id', 'topic_name']) }}

-- The topics in each group's latest list. A topic may still occur in several spellings.
select distinct
    topics.group_id,
    topics.topic_name,
    {{ topic_key('topics.topic_name') }} as topic_key
from {{ ref('stg_meetup__group_topics') }} as topics
inner join {{ ref('int_groups_latest') }} as latest
    on
    topics._batch_seq = latest._topics_batch_seq
    and topics._source_file = latest._topics_source_file
    and topics._record_index = latest._topics_record_index
where topics.topic_name <> ''
