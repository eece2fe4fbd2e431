-- The groups that can be compared: the best 20 candidates of any sponsor.
select
    group_id,
    group_name
from group_scorecard
where is_candidate
group by group_id, group_name
order by min(sponsor_rank), group_id
limit 20
