-- How many events are coming up on each topic?
select
    topics.topic_name,
    count(*) as upcoming_events,
    min(forecasts.starts_at) as next_at,
    round(sum(forecasts.forecast_seats)) as expected_seats
from marts.event_forecasts as forecasts
inner join marts.bridge_group_topics as bridge on forecasts.group_id = bridge.group_id
inner join marts.dim_topics as topics on bridge.topic_key = topics.topic_key
group by topics.topic_name
order by upcoming_events desc, topics.topic_name
limit 10
