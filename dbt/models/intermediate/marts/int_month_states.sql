{{ config(materialized='incremental' if target.type == 'duckdb' else 'view', unique_key='month_start_on') }}

-- Each column changes whenever anything changes that it covers.
with days as (
    select
        cast(date_trunc('month', date_on) as date) as month_start_on,
        {{ rows_digest(['date_on', 'happened_state']) }} as happened_state
    from {{ ref('int_day_states') }}
    group by all
),

firsts as (
    select
        cast(date_trunc('month', first_attended_at) as date) as month_start_on,
        count(*) as first_state
    from {{ ref('member_funnel') }}
    where first_attended_at is not null
    group by all
),

groups as (
    select
        month_start_on,
        {{ rows_digest(['group_id', 'events_held']) }} as groups_state
    from {{ ref('group_months') }}
    group by month_start_on
)

select
    months.month_start_on,
    months.is_month_over,
    days.happened_state,
    {{ count_or_0('firsts.first_state') }} as first_state,
    groups.groups_state
from {{ ref('int_months') }} as months
left join days on months.month_start_on = days.month_start_on
left join firsts on months.month_start_on = firsts.month_start_on
left join groups on months.month_start_on = groups.month_start_on
