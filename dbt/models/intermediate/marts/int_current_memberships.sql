-- Memberships at as_of of members and groups that are still there.
with gone_members as (
    select user_id
    from {{ ref('dim_members') }}
    where is_gone
),

gone_groups as (
    select group_id
    from {{ ref('dim_groups') }}
    where is_gone
)

select
    memberships.membership_key,
    memberships.group_id,
    memberships.user_id,
    memberships.joined_at
from {{ ref('int_memberships_as_of') }} as memberships
where
    memberships.user_id not in (select gone_members.user_id from gone_members)
    and memberships.group_id not in (select gone_groups.group_id from gone_groups)
