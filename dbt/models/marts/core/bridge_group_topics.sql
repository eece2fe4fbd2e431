with topics as (
    select * from {{ ref('stg_meetup__group_topics') }}
),

latest as (
    select * from {{ ref('int_groups_latest') }}
)

select distinct
    topics.group_id,
    {{ surrogate_key(['lower(topics.topic_name)']) }} as topic_key
from topics
inner join latest on {{ is_same_record('topics', 'latest') }}
where topics.topic_name <> ''
