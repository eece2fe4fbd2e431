{{ config(materialized='incremental' if target.type == 'duckdb' else 'view', unique_key='date_on') }}

-- Changes whenever anything changes that happened on the day.
with happened as (
    {{ activities() }}
),

days as (
    select
        happened_on,
        {{ rows_digest(['kind', 'user_id', 'seats']) }} as happened_state
    from happened
    group by happened_on
)

-- Every day has a row, from 1 January of the year with the earliest activity until the end of the month of as_of, because an answer to a
-- held event may have a later date.
select
    dates.date_on,
    days.happened_state,
    case when dates.date_on <= cast(clock.as_of as date) then dates.date_on < cast(clock.as_of as date) end as is_day_over
from {{ ref('dim_dates') }} as dates
cross join {{ ref('int_as_of') }} as clock
left join days on dates.date_on = days.happened_on
where dates.date_on <= last_day(cast(clock.as_of as date))
