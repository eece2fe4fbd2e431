{{ config(materialized='incremental' if target.type == 'duckdb' else 'view', unique_key='date_on') }}

-- Changes whenever anything changes that happened on the day.
with happened as (
    select
        cast(joined_at as date) as happened_on,
        user_id,
        'joining' as kind,
        cast(0 as bigint) as seats
    from {{ ref('int_memberships_as_of') }}
    union all
    select
        cast(responded_at as date) as happened_on,
        user_id,
        'answer' as kind,
        cast(0 as bigint) as seats
    from {{ ref('int_answers_as_of') }}
    union all
    select
        cast(attended_at as date) as happened_on,
        user_id,
        'attendance' as kind,
        cast(0 as bigint) as seats
    from {{ ref('int_attendances') }}
    union all
    select
        cast(starts_at as date) as happened_on,
        cast(null as bigint) as user_id,
        'event' as kind,
        yes_seats as seats
    from {{ ref('fct_events') }}
    where is_held
),

days as (
    select
        happened_on,
        {{ rows_digest(['kind', 'user_id', 'seats']) }} as happened_state
    from happened
    group by happened_on
)

-- Every day has a row, starting from 1 January of the year with the earliest activity.
select
    dates.date_on,
    days.happened_state,
    dates.date_on < cast(clock.as_of as date) as is_day_over
from {{ ref('dim_dates') }} as dates
cross join {{ ref('int_as_of') }} as clock
left join days on dates.date_on = days.happened_on
where dates.date_on <= cast(clock.as_of as date)
