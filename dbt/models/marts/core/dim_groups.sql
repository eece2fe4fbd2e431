{{ config(unique_key='group_id') }}

with known as (
    select * from {{ ref('int_groups_latest') }}
),

used_or_known as (
    select group_id from known
    union distinct
    select group_id from {{ ref('int_events_latest') }}
    union distinct
    select group_id from {{ ref('fct_memberships') }}
)

select
    used_or_known.group_id,
    case when known.group_id is null then 'Unknown group' else known.group_name end as group_name,
    known.description,
    known.link,
    known.city,
    known.latitude,
    known.longitude,
    known.created_at,
    cast(coalesce(known.topic_count, 0) as bigint) as topic_count,
    known.group_id is null as is_unknown,
    known.gone_at is not null as is_gone,
    known.gone_at
from used_or_known
left join known on used_or_known.group_id = known.group_id
