with used_dates as (
    select
        min(starts_on_local) as first_on,
        max(starts_on_local) as last_on
    from {{ ref('fct_events') }}
    union all
    select
        min(cast(created_at as date)),
        max(cast(created_at as date))
    from {{ ref('dim_groups') }}
    union all
    select
        min(cast(responded_at as date)),
        max(cast(responded_at as date))
    from {{ ref('fct_rsvps') }}
    union all
    select
        min(cast(joined_at as date)),
        max(cast(joined_at as date))
    from {{ ref('fct_memberships') }}
    union all
    select
        min(cast(created_at as date)),
        max(cast(created_at as date))
    from {{ ref('fct_events') }}
    union all
    select
        cast(as_of as date),
        cast(as_of as date)
    from {{ ref('int_as_of') }}
),

bounds as (
    select
        cast(date_trunc('year', min(first_on)) as date) as first_on,
        make_date(year(max(last_on)), 12, 31) as last_on
    from used_dates
),

days as (
    select first_on + cast(n as int) as date_on
    from bounds
    -- Every date that the input's rules allow: 1970 to 2099, and a local date may be one later.
    cross join range(0, 48000) as numbers(n)
    where n <= {{ dbt.datediff('first_on', 'last_on', 'day') }}
)

select
    date_on,
    -- A week belongs to the year that its Thursday lies in.
    cast(year(date_on + (4 - {{ iso_weekday('date_on') }})) as int) as iso_year,
    cast(extract(week from date_on) as int) as iso_week,
    cast(year(date_on) as int) as year,
    cast(quarter(date_on) as int) as quarter,
    cast(month(date_on) as int) as month,
    cast(date_trunc('month', date_on) as date) as month_start_on,
    {{ iso_weekday('date_on') }} as iso_weekday,
    {{ iso_weekday('date_on') }} >= 6 as is_weekend
from days
