-- When should my group meet? Slots in which it held at least three events, compared with its usual event. Here for the group with the most events.
select
    groups.group_name,
    slots.local_iso_weekday,
    slots.local_hour,
    slots.held_events,
    slots.median_yes_seats,
    round(slots.relative_to_usual, 2) as relative_to_usual
from marts.group_time_slots as slots
inner join marts.dim_groups as groups on slots.group_id = groups.group_id
where
    slots.held_events >= 3
    and slots.group_id = (
        select group_id
        from marts.fct_events
        where is_held
        group by group_id
        order by count(*) desc, group_id
        limit 1
    )
order by slots.relative_to_usual desc nulls last, slots.local_iso_weekday, slots.local_hour
limit 5
