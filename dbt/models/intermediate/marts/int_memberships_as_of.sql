-- Memberships at as_of. If the variable as_of is in the past, later joinings have not happened yet.
select
    memberships.membership_key,
    memberships.group_id,
    memberships.user_id,
    memberships.joined_at
from {{ ref('fct_memberships') }} as memberships
cross join {{ ref('int_as_of') }} as clock
where memberships.joined_at <= clock.as_of
