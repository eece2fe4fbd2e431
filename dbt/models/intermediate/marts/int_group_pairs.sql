{{
    config(
        materialized='incremental' if target.type == 'duckdb' else 'view',
        unique_key=['group_id', 'other_group_id'],
    )
}}

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

{% for people in ['members', 'actives'] -%}
    shared_{{ people }} as (
        select
            {{ people }}.group_id,
            others.group_id as other_group_id,
            count(*) as shared
        from {{ people }}
        inner join {{ people }} as others
            on
            {{ people }}.user_id = others.user_id
            and {{ people }}.group_id < others.group_id
        group by {{ people }}.group_id, others.group_id
    ){{ ',' if not loop.last }}

{% endfor -%}

-- An active member need not have a membership, which may be missing from the files, so use a full join to keep every pair.
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
