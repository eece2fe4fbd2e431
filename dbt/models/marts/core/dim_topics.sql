with topics as (
    select
        *,
        {{ surrogate_key(['lower(topic_name)']) }} as topic_key
    from {{ ref('stg_meetup__group_topics') }}
    where topic_name <> ''
),

latest as (
    select * from {{ ref('int_groups_latest') }}
)

select
    topics.topic_key,
    -- The same topic in another spelling of case is one topic; capitals sort first.
    min(topics.topic_name) as topic_name,
    cast(count(distinct topics.group_id) as bigint) as group_count
from topics
inner join latest on {{ is_same_record('topics', 'latest') }}
group by topics.topic_key
