with in_lists as (
    select count(*) as pair_count
    from (
        select distinct
            memberships.group_id,
            memberships.user_id
        from {{ ref('stg_meetup__memberships') }} as memberships
        inner join {{ ref('int_membership_records') }} as latest on {{ is_same_record('memberships', 'latest') }}
    ) as pairs
),

in_fact as (
    select count(*) as row_count from {{ ref('fct_memberships') }}
)

select *
from in_lists
cross join in_fact
where in_lists.pair_count <> in_fact.row_count
