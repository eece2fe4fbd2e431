-- Which topics rise in which city? Those that meet all the conditions first, then those that gained most.
select
    city,
    topic_name,
    active_groups,
    events_held,
    round(momentum, 2) as momentum,
    is_rising
from marts.city_topics
where active_groups >= 2 and momentum > 0
order by is_rising desc, momentum desc, city, topic_name
limit 10
