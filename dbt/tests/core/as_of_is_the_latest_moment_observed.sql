-- Nothing in the data is later than latest_at, and unless the variable says otherwise that is as_of.
with moments as (
    select max(created_at) as latest_at from {{ ref('dim_groups') }}
    union all
    select max(created_at) as latest_at from {{ ref('fct_events') }}
    union all
    select max(responded_at) as latest_at from {{ ref('fct_rsvps') }}
    union all
    select max(joined_at) as latest_at from {{ ref('fct_memberships') }}
),

latest as (
    select max(latest_at) as latest_at from moments
)

select
    clock.as_of,
    clock.latest_at,
    latest.latest_at as expected_at
from {{ ref('int_as_of') }} as clock
cross join latest
where
    clock.latest_at is distinct from latest.latest_at
    or (
        {{ var('as_of', none) is none }}
        and clock.as_of is distinct from coalesce(latest.latest_at, cast('1970-01-01 00:00:00' as timestamp))
    )
