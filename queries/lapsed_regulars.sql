-- Which groups lost their regulars? Regulars attended at least three times; lapsed ones have not attended in the last 180 days, although the group is still active.
select
    groups.group_name,
    count_if(attendees.is_regular) as regulars,
    count_if(attendees.is_lapsed_regular) as lapsed_regulars
from marts.group_attendees as attendees
inner join marts.dim_groups as groups on attendees.group_id = groups.group_id
group by groups.group_id, groups.group_name
order by lapsed_regulars desc, groups.group_id
limit 10
