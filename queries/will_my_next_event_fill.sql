-- Will my next events fill? Forecasts for upcoming events with a limit, soonest first.
select
    groups.group_name,
    forecasts.event_name,
    forecasts.starts_at,
    forecasts.yes_seats,
    forecasts.rsvp_limit,
    round(forecasts.forecast_seats) as forecast,
    round(forecasts.low_seats) as low,
    round(forecasts.high_seats) as high,
    forecasts.will_fill
from marts.event_forecasts as forecasts
inner join marts.dim_groups as groups on forecasts.group_id = groups.group_id
where forecasts.rsvp_limit > 0
order by forecasts.starts_at, forecasts.event_key
limit 10
