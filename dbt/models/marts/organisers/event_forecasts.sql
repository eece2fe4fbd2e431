{{ config(unique_key='event_key') }}

select
    forecasts.event_key,
    forecasts.group_id,
    events.event_name,
    events.starts_at,
    events.venue_id,
    forecasts.lead_days,
    forecasts.seats_by_then as yes_seats,
    events.rsvp_limit,
    forecasts.past_events,
    forecasts.usual_seats,
    forecasts.forecast_seats,
    forecasts.low_seats,
    forecasts.high_seats,
    {{ safe_ratio('forecasts.forecast_seats', 'events.rsvp_limit') }} as forecast_fill,
    case
        when events.rsvp_limit > 0 and forecasts.seats_by_then >= events.rsvp_limit then 'full'
        when forecasts.forecast_seats is null or events.rsvp_limit is null or events.rsvp_limit = 0 then 'unknown'
        when forecasts.low_seats >= events.rsvp_limit then 'very likely'
        when forecasts.forecast_seats >= events.rsvp_limit then 'likely'
        when forecasts.high_seats >= events.rsvp_limit then 'possible'
        else 'unlikely'
    end as will_fill
from {{ ref('int_forecasts') }} as forecasts
inner join {{ ref('fct_events') }} as events on forecasts.event_key = events.event_key
where forecasts.is_upcoming
