with months as (
    select distinct month_start_on
    from {{ ref('dim_dates') }}
)

select
    months.month_start_on,
    last_day(months.month_start_on) + 1 as next_month_start_on,
    cast(last_day(months.month_start_on) + 1 as timestamp) <= clock.as_of as is_month_over
from months
cross join {{ ref('int_as_of') }} as clock
where cast(months.month_start_on as timestamp) <= clock.as_of
