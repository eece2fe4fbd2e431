{{ config(materialized='view' if target.type == 'duckdb' else 'incremental', unique_key=['group_id', 'other_group_id']) }}

-- A new member of a group changes its size in all of its pairs, so on DuckDB, only the pairs' own counts are stored.
with group_members as (
    select
        group_id,
        cast(count(*) as bigint) as members
    from {{ ref('int_current_memberships') }}
    group by group_id
),

group_actives as (
    select
        group_id,
        cast(count(*) as bigint) as actives
    from {{ ref('int_active_members') }}
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
    from {{ ref('int_group_pairs') }} as shared
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
