{{ config(unique_key='days_before') }}

-- The naive forecast is the median of the same past events.
with judged as (
    select
        cast(lead_days as int) as days_before,
        yes_seats,
        abs(forecast_seats - yes_seats) as error_seats,
        abs(usual_seats - yes_seats) as naive_error_seats,
        yes_seats between low_seats and high_seats as is_within
    from {{ ref('int_forecasts') }}
    where not is_upcoming and forecast_seats is not null
)

select
    days_before,
    cast(count(*) as bigint) as events,
    avg(yes_seats) as mean_seats,
    -- Rounded, because sums of fractions depend on the order in which an engine adds them.
    round(avg(error_seats), 6) as mean_error_seats,
    avg(naive_error_seats) as naive_mean_error_seats,
    round({{ safe_ratio('sum(error_seats)', 'sum(yes_seats)') }}, 6) as error_share,
    {{ safe_ratio('sum(naive_error_seats)', 'sum(yes_seats)') }} as naive_error_share,
    {{ safe_ratio('count_if(is_within)', 'count(*)') }} as share_within
from judged
group by days_before
