with expected as (
    select
        bridge.topic_key,
        sum(months.yes_seats) as yes_seats,
        sum(months.new_members) as new_members,
        count(distinct months.month_start_on) as months
    from {{ ref('bridge_group_topics') }} as bridge
    inner join {{ ref('group_months') }} as months on bridge.group_id = months.group_id
    where months.is_month_over
    group by bridge.topic_key
),

counted as (
    select
        topic_key,
        sum(yes_seats) as yes_seats,
        sum(new_members) as new_members,
        count(*) as months
    from {{ ref('topic_months') }}
    group by topic_key
),

-- A topic's share is compared with that of twelve rows before, which assumes that each month has a row.
gaps as (
    select
        topic_key,
        month_start_on,
        lag(month_start_on) over (partition by topic_key order by month_start_on) as month_before_on
    from {{ ref('topic_months') }}
)

select coalesce(expected.topic_key, counted.topic_key) as topic_key
from expected
full outer join counted on expected.topic_key = counted.topic_key
where
    coalesce(expected.yes_seats, -1) <> coalesce(counted.yes_seats, -1)
    or coalesce(expected.new_members, -1) <> coalesce(counted.new_members, -1)
    or coalesce(expected.months, -1) <> coalesce(counted.months, -1)
union all
select topic_key
from gaps
where month_before_on is not null and last_day(month_before_on) + 1 <> month_start_on
