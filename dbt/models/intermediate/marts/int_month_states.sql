-- Each column changes whenever anything changes that it covers. platform_months uses this to find the months to compute again.
with days as (
    select
        cast(date_trunc('month', date_on) as date) as month_start_on,
        {{ rows_digest(['date_on', 'happened_state']) }} as happened_state
    from {{ ref('int_day_states') }}
    group by all
),

firsts as (
    select
        month_start_on,
        cast(count(*) as bigint) as firsts_state
    from {{ ref('int_first_attendances') }}
    group by month_start_on
),

groups as (
    select
        month_start_on,
        {{ rows_digest(['group_id']) }} as groups_state
    from {{ ref('group_months') }}
    where events_held > 0
    group by month_start_on
)

select
    months.month_start_on,
    months.is_month_over,
    days.happened_state,
    firsts.firsts_state,
    groups.groups_state
from {{ ref('int_months') }} as months
left join days on months.month_start_on = days.month_start_on
left join firsts on months.month_start_on = firsts.month_start_on
left join groups on months.month_start_on = groups.month_start_on
