with topics as (
    {{ sponsor_topic_rows() }}
)

select distinct
    sponsor_id,
    topic_key
from topics
