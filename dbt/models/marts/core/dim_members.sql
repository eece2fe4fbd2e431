{{ config(unique_key='user_id') }}

with known as (
    select * from {{ ref('int_users_latest') }}
),

joined_groups as (
    select
        user_id,
        count(*) as group_count,
        min(joined_at) as first_joined_at
    from {{ ref('fct_memberships') }}
    group by user_id
),

used_or_known as (
    select user_id from known
    union distinct
    select user_id from joined_groups
    union distinct
    select user_id from {{ ref('fct_rsvps') }}
)

select
    used_or_known.user_id,
    known.city,
    known.country,
    {{ count_or_0('joined_groups.group_count') }} as group_count,
    joined_groups.first_joined_at,
    known.user_id is null as is_unknown,
    known.gone_at is not null as is_gone,
    known.gone_at
from used_or_known
left join known on used_or_known.user_id = known.user_id
left join joined_groups on used_or_known.user_id = joined_groups.user_id
