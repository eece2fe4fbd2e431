{{ config(unique_key=['group_id', 'topic_key']) }}

select distinct
    group_id,
    topic_key
from {{ ref('int_group_topics') }}
