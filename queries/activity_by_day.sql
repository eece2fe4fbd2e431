-- What happened each day? The last 14 complete days.
select
    date_on,
    joinings,
    answers,
    events_held,
    attendees,
    active_people
from marts.platform_days
where is_day_over
order by date_on desc
limit 14
