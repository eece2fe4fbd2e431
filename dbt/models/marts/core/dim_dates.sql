{{ config(unique_key='date_on') }}

with used_dates as (
    select cast(created_at as date) as used_on from {{ ref('dim_groups') }}
    union distinct
    select cast(created_at as date) as used_on from {{ ref('fct_events') }}
    union distinct
    select starts_on_local as used_on from {{ ref('fct_events') }}
    union distinct
    select cast(responded_at as date) as used_on from {{ ref('fct_rsvps') }}
    union distinct
    select cast(joined_at as date) as used_on from {{ ref('fct_memberships') }}
    union distinct
    select cast(as_of as date) as used_on from {{ ref('int_as_of') }}
),

bounds as (
    select
        cast(date_trunc('year', min(used_on)) as date) as first_on,
        make_date(year(max(used_on)), 12, 31) as last_on
    from used_dates
),

days as (
    select bounds.first_on + cast(numbers.n as int) as date_on
    from bounds
    -- Every date that the input's rules allow: 1970 to 2099, plus one day because of local time.
    cross join range(0, 48000) as numbers (n)
    where numbers.n <= {{ dbt.datediff('bounds.first_on', 'bounds.last_on', 'day') }}
)

select
    date_on,
    -- A week belongs to the year of its Thursday.
    cast(year(date_on + (4 - {{ iso_weekday('date_on') }})) as int) as iso_year,
    cast(extract(week from date_on) as int) as iso_week,
    cast(year(date_on) as int) as year,
    cast(quarter(date_on) as int) as quarter,
    cast(month(date_on) as int) as month,
    cast(date_trunc('month', date_on) as date) as month_start_on,
    {{ iso_weekday('date_on') }} as iso_weekday,
    {{ iso_weekday('date_on') }} >= 6 as is_weekend
from days
