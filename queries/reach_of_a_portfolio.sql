-- How many distinct people does a portfolio of groups reach? Here for the default sponsor's top five groups.
select
    count(distinct attendees.user_id) as unique_people,
    count(*) as people_of_all_groups
from marts.group_attendees as attendees
inner join marts.group_scorecard as scorecard on attendees.group_id = scorecard.group_id
where
    attendees.is_active
    and scorecard.sponsor_id = 'default'
    and scorecard.sponsor_rank <= 5
