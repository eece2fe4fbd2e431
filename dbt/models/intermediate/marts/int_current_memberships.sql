-- Memberships at as_of of members and groups that are still there.
select
    memberships.membership_key,
    memberships.group_id,
    memberships.user_id,
    memberships.joined_at
from {{ ref('int_memberships_as_of') }} as memberships
inner join {{ ref('dim_members') }} as members on memberships.user_id = members.user_id
inner join {{ ref('dim_groups') }} as groups on memberships.group_id = groups.group_id
where not members.is_gone and not groups.is_gone
