{{ config(unique_key=['sponsor_id', 'topic_key']) }}

with topics as (
    {{ sponsor_topic_rows() }}
)

select distinct
    sponsor_id,
    topic_key
from topics
