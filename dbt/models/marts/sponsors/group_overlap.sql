{{ config(unique_key=['group_id', 'other_group_id']) }}

-- Pairs come from one join on the member, so only existing pairs cost time: a member of n groups adds n * (n - 1) / 2.
with members as (
    select
        group_id,
        user_id
    from {{ ref('int_current_memberships') }}
),

actives as (
    select
        group_id,
        user_id
    from {{ ref('int_active_members') }}
),

shared_members as (
    select
        members.group_id,
        others.group_id as other_group_id,
        count(*) as shared
    from members
    inner join members as others
        on
        members.user_id = others.user_id
        and members.group_id < others.group_id
    group by members.group_id, others.group_id
),

shared_actives as (
    select
        actives.group_id,
        others.group_id as other_group_id,
        count(*) as shared
    from actives
    inner join actives as others
        on
        actives.user_id = others.user_id
        and actives.group_id < others.group_id
    group by actives.group_id, others.group_id
),

-- An active member need not have a membership, which may be missing from the files, so use a full join to keep every pair.
shared as (
    select
        coalesce(shared_members.group_id, shared_actives.group_id) as group_id,
        coalesce(shared_members.other_group_id, shared_actives.other_group_id) as other_group_id,
        {{ count_or_0('shared_members.shared') }} as shared_members,
        {{ count_or_0('shared_actives.shared') }} as shared_actives
    from shared_members
    full outer join shared_actives
        on
        shared_members.group_id = shared_actives.group_id
        and shared_members.other_group_id = shared_actives.other_group_id
),

group_members as (
    select
        group_id,
        cast(count(*) as bigint) as members
    from members
    group by group_id
),

group_actives as (
    select
        group_id,
        cast(count(*) as bigint) as actives
    from actives
    group by group_id
),

sized as (
    select
        shared.group_id,
        shared.other_group_id,
        coalesce(left_members.members, 0) as members,
        coalesce(right_members.members, 0) as other_members,
        coalesce(left_actives.actives, 0) as actives,
        coalesce(right_actives.actives, 0) as other_actives,
        shared.shared_members,
        shared.shared_actives
    from shared
    left join group_members as left_members on shared.group_id = left_members.group_id
    left join group_members as right_members on shared.other_group_id = right_members.group_id
    left join group_actives as left_actives on shared.group_id = left_actives.group_id
    left join group_actives as right_actives on shared.other_group_id = right_actives.group_id
)

select
    group_id,
    other_group_id,
    members,
    other_members,
    shared_members,
    {{ safe_ratio('shared_members', 'members + other_members - shared_members') }} as members_jaccard,
    {{ safe_ratio('shared_members', 'least(members, other_members)') }} as members_containment,
    actives,
    other_actives,
    shared_actives,
    {{ safe_ratio('shared_actives', 'actives + other_actives - shared_actives') }} as jaccard,
    {{ safe_ratio('shared_actives', 'least(actives, other_actives)') }} as containment
from sized
