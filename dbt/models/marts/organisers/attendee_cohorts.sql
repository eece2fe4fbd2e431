{{
    config(
        unique_key=['group_id', 'cohort_month_on', 'months_since'],
        meta={'states': 'int_group_states', 'scope': 'group_id', 'state': ['held_state', 'month_state']},
        pre_hook='{{ prepare_states() }}',
        post_hook='{{ remember_states() }}',
    )
}}

{% set last_month = 12 %}
with attended_months as (
    select distinct
        group_id,
        user_id,
        attended_month_on
    from {{ ref('int_attendances') }}
    where {{ is_changed('group_id') }}
),

placed as (
    select
        group_id,
        user_id,
        attended_month_on,
        min(attended_month_on) over (partition by group_id, user_id) as cohort_month_on
    from attended_months
),

event_months as (
    select
        group_id,
        cast(date_trunc('month', starts_at) as date) as month_start_on,
        count(*) as events_held
    from {{ ref('fct_events') }}
    where is_held and {{ is_changed('group_id') }}
    group by all
),

counted as (
    select
        group_id,
        cohort_month_on,
        cast((year(attended_month_on) - year(cohort_month_on)) * 12 + month(attended_month_on) - month(cohort_month_on) as int) as months_since,
        count(*) as returning_members
    from placed
    group by all
),

cohorts as (
    select
        counted.group_id,
        counted.cohort_month_on,
        counted.returning_members as cohort_members,
        (year(clock.as_of) - year(counted.cohort_month_on)) * 12 + month(clock.as_of) - month(counted.cohort_month_on) as months_observed
    from counted
    cross join {{ ref('int_as_of') }} as clock
    where counted.months_since = 0
),

spined as (
    select
        cohorts.group_id,
        cohorts.cohort_month_on,
        cohorts.cohort_members,
        cohorts.months_observed,
        cast(numbers.n as int) as months_since,
        cast({{ dbt.dateadd('month', 'cast(numbers.n as int)', 'cohorts.cohort_month_on') }} as date) as month_start_on
    from cohorts
    cross join range(0, {{ last_month + 1 }}) as numbers (n)
    where numbers.n <= cohorts.months_observed
)

select
    spined.group_id,
    spined.cohort_month_on,
    spined.months_since,
    cast(spined.cohort_members as bigint) as cohort_members,
    {{ count_or_0('counted.returning_members') }} as returning_members,
    {{ count_or_0('event_months.events_held') }} as events_held,
    -- Nobody can return in a month without an event.
    case
        when event_months.events_held > 0
            then {{ safe_ratio('coalesce(counted.returning_members, 0)', 'spined.cohort_members') }}
    end as retention,
    spined.months_since < spined.months_observed as is_month_over
from spined
left join counted
    on
    spined.group_id = counted.group_id
    and spined.cohort_month_on = counted.cohort_month_on
    and spined.months_since = counted.months_since
left join event_months
    on spined.group_id = event_months.group_id and spined.month_start_on = event_months.month_start_on
