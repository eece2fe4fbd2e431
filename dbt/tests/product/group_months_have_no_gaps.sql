with steps as (
    select
        group_id,
        month_start_on,
        lag(month_start_on) over (partition by group_id order by month_start_on) as month_before_on
    from {{ ref('group_months') }}
),

ended as (
    select
        months.group_id,
        max(months.month_start_on) as last_month_on,
        max(cast(date_trunc('month', clock.as_of) as date)) as as_of_month_on
    from {{ ref('group_months') }} as months
    cross join {{ ref('int_as_of') }} as clock
    group by months.group_id
)

select
    group_id,
    month_start_on
from steps
where month_before_on is not null and last_day(month_before_on) + 1 <> month_start_on
union all
select
    group_id,
    last_month_on as month_start_on
from ended
where last_month_on <> as_of_month_on
union all
select
    groups.group_id,
    cast(null as date) as month_start_on
from {{ ref('dim_groups') }} as groups
cross join {{ ref('int_as_of') }} as clock
left join ended on groups.group_id = ended.group_id
where
    ended.group_id is null
    and coalesce(groups.created_at <= clock.as_of, true)
