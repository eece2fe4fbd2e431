{{
    config(
        unique_key='date_on',
        meta={'states': 'int_day_states', 'scope': 'date_on', 'state': ['happened_state', 'is_day_over']},
        pre_hook='{{ prepare_states() }}',
        post_hook='{{ remember_states() }}',
    )
}}

with clock as (
    select
        as_of,
        cast(as_of as date) as as_of_on
    from {{ ref('int_as_of') }}
),

happened as (
    {{ activities('int_day_states') }}
),

counted as (
    select
        happened_on,
        count_if(kind = 'joining') as joinings,
        count_if(kind = 'answer') as answers,
        count_if(kind = 'event') as events_held,
        sum(seats) as yes_seats,
        count(distinct case when kind = 'attendance' then user_id end) as attendees,
        count(distinct user_id) as active_people
    from happened
    group by happened_on
)

-- Every day has a row, starting from 1 January of the year with the earliest activity.
select
    dates.date_on,
    {{ count_or_0('counted.joinings') }} as joinings,
    {{ count_or_0('counted.answers') }} as answers,
    {{ count_or_0('counted.events_held') }} as events_held,
    {{ count_or_0('counted.yes_seats') }} as yes_seats,
    {{ count_or_0('counted.attendees') }} as attendees,
    {{ count_or_0('counted.active_people') }} as active_people,
    dates.date_on < clock.as_of_on as is_day_over
from {{ ref('dim_dates') }} as dates
cross join clock
left join counted on dates.date_on = counted.happened_on
where dates.date_on <= clock.as_of_on and {{ is_changed('dates.date_on', 'int_day_states') }}
