-- Nothing in the data is later than latest_at, and unless the variable is set, as_of is the latest moment before the last load.
with moments as (
    select created_at as happened_at from {{ ref('dim_groups') }}
    union all
    select created_at as happened_at from {{ ref('fct_events') }}
    union all
    select responded_at as happened_at from {{ ref('fct_rsvps') }}
    union all
    select joined_at as happened_at from {{ ref('fct_memberships') }}
),

latest as (
    select
        max(moments.happened_at) as latest_at,
        max(moments.happened_at) filter (where moments.happened_at <= last_load.believable_until) as believable_at
    from moments
    cross join {{ ref('int_last_load') }} as last_load
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
        and clock.as_of is distinct from coalesce(latest.believable_at, cast('1970-01-01 00:00:00' as timestamp))
    )
