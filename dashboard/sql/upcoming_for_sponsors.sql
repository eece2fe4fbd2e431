-- Coming events of candidates, soonest first, with the distance to the sponsor's own office.
select
    forecasts.starts_at,
    groups.group_id,
    groups.group_name,
    forecasts.event_name,
    groups.office_km as km,
    forecasts.yes_seats,
    forecasts.forecast_seats as forecast,
    forecasts.rsvp_limit,
    forecasts.will_fill,
    groups.topics
from event_forecasts as forecasts
inner join group_scorecard as groups on forecasts.group_id = groups.group_id
where groups.sponsor_id = $sponsor and groups.is_candidate
order by forecasts.starts_at, forecasts.event_key
