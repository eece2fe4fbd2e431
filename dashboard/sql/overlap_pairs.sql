-- How much of their active members the best 20 candidates share, two at a time.
with candidates as (
    select
        group_id,
        group_name,
        min(sponsor_rank) as best_rank
    from group_scorecard
    where is_candidate
    group by group_id, group_name
    order by best_rank, group_id
    limit 20
),

overlap as (
    select group_id, other_group_id, jaccard, shared_actives from group_overlap
    union all
    select other_group_id, group_id, jaccard, shared_actives from group_overlap
)

select
    a.group_id,
    b.group_id as other_group_id,
    a.group_name,
    b.group_name as other_group,
    coalesce(overlap.jaccard, 0) as shared,
    coalesce(overlap.shared_actives, 0) as shared_people
from candidates as a
inner join candidates as b on a.group_id <> b.group_id
left join overlap on a.group_id = overlap.group_id and b.group_id = overlap.other_group_id
order by a.best_rank, a.group_id, b.best_rank, b.group_id
