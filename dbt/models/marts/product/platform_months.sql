{{ config(unique_key='month_start_on') }}

with firsts as (
    select
        month_start_on,
        count(*) as new_attending_people
    from {{ ref('int_first_attendances') }}
    group by month_start_on
),

groups as (
    select
        month_start_on,
        count_if(events_held > 0) as active_groups
    from {{ ref('group_months') }}
    group by month_start_on
)

select
    months.month_start_on,
    months.is_month_over,
    {{ count_or_0('people.active_people') }} as active_people,
    {{ count_or_0('people.answering_people') }} as answering_people,
    {{ count_or_0('people.attending_people') }} as attending_people,
    {{ count_or_0('firsts.new_attending_people') }} as new_attending_people,
    {{ count_or_0('groups.active_groups') }} as active_groups
from {{ ref('int_months') }} as months
left join {{ ref('int_month_people') }} as people on months.month_start_on = people.month_start_on
left join firsts on months.month_start_on = firsts.month_start_on
left join groups on months.month_start_on = groups.month_start_on
