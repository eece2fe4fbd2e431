-- Which topics are rising in which city? Topics that meet all the conditions come first, then those with the highest momentum.
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
