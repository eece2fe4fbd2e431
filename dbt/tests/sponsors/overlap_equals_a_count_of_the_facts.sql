with largest as (
    select
        group_id,
        row_number() over (order by count(*) desc, group_id asc) as size_rank
    from {{ ref('int_current_memberships') }}
    group by group_id
),

chosen as (
    select group_id
    from largest
    where size_rank = 1
),

its_members as (
    select user_id
    from {{ ref('int_current_memberships') }}
    where group_id in (select group_id from chosen)
),

counted as (
    select
        group_id,
        count(distinct user_id) as shared_members
    from {{ ref('int_current_memberships') }}
    where
        user_id in (select user_id from its_members)
        and group_id not in (select group_id from chosen)
    group by group_id
),

overlap as (
    select
        case when overlap.group_id = chosen.group_id then overlap.other_group_id else overlap.group_id end as group_id,
        overlap.shared_members
    from {{ ref('group_overlap') }} as overlap
    inner join chosen on overlap.group_id = chosen.group_id or overlap.other_group_id = chosen.group_id
    where overlap.shared_members > 0
)

select
    coalesce(counted.group_id, overlap.group_id) as group_id,
    counted.shared_members,
    overlap.shared_members as overlap_members
from counted
full outer join overlap on counted.group_id = overlap.group_id
where coalesce(counted.shared_members, 0) <> coalesce(overlap.shared_members, 0)
