-- Top groups to sponsor
select sponsor_rank as rank, group_name as "group", city, active_members as active, sponsor_score as score
from group_scorecard
where sponsor_id = (select min(sponsor_id) from dim_sponsors)
order by sponsor_rank, group_id
limit 5
