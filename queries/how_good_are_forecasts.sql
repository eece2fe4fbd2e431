-- How good are the forecasts? Errors over the last 12 months, compared with a naive forecast: the group's usual event.
select
    days_before,
    events,
    round(error_share, 3) as error_share,
    round(naive_error_share, 3) as naive_error_share,
    round(share_within, 3) as share_within
from marts.forecast_accuracy
order by days_before
