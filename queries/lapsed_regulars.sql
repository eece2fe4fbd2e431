-- Which groups lost their regulars? People who came three times or more, and not in the last 180 days, though the group goes on.
select
    groups.group_name,
    count_if(attendees.is_regular) as regulars,
    count_if(attendees.is_lapsed_regular) as lapsed_regulars
from marts.group_attendees as attendees
inner join marts.dim_groups as groups on attendees.group_id = groups.group_id
group by groups.group_id, groups.group_name
order by lapsed_regulars desc, groups.group_id
limit 10
