-- Who is a member at as_of. With a variable as_of in the past, joinings after it have not happened yet.
select
    memberships.membership_key,
    memberships.group_id,
    memberships.user_id,
    memberships.joined_at
from {{ ref('fct_memberships') }} as memberships
cross join {{ ref('int_as_of') }} as clock
where memberships.joined_at <= clock.as_of
