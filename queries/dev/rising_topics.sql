-- Rising topics
select topic_name as topic, groups, events_held as events, yes_seats as seats, momentum
from topic_months
where is_rising and month_start_on = (select max(month_start_on) from topic_months)
order by momentum desc, topic_name
limit 5
