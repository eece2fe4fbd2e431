{{ config(unique_key='user_id') }}

with answers as (
    select
        user_id,
        count(*) as answers,
        count_if(response = 'yes') as yes_answers,
        min(responded_at) as first_answer_at,
        min(case when response = 'yes' then responded_at end) as first_yes_at
    from {{ ref('int_answers_as_of') }}
    group by user_id
),

joined as (
    select
        user_id,
        count(*) as joined_groups,
        min(joined_at) as first_joined_at
    from {{ ref('int_memberships_as_of') }}
    group by user_id
),

attended as (
    select
        user_id,
        sum(attended_events) as attended_events,
        count(*) as attended_groups,
        min(first_attended_at) as first_attended_at,
        max(last_attended_at) as last_attended_at
    from {{ ref('group_attendees') }}
    group by user_id
),

actives as (
    select
        user_id,
        count(*) as active_groups
    from {{ ref('int_active_members') }}
    group by user_id
),

counted as (
    select
        members.user_id,
        members.country,
        joined.first_joined_at,
        {{ count_or_0('joined.joined_groups') }} as joined_groups,
        {{ count_or_0('answers.answers') }} as answers,
        {{ count_or_0('answers.yes_answers') }} as yes_answers,
        answers.first_answer_at,
        answers.first_yes_at,
        {{ count_or_0('attended.attended_events') }} as attended_events,
        {{ count_or_0('attended.attended_groups') }} as attended_groups,
        attended.first_attended_at,
        attended.last_attended_at,
        {{ count_or_0('actives.active_groups') }} as active_groups,
        members.is_unknown,
        members.is_gone
    from {{ ref('dim_members') }} as members
    left join joined on members.user_id = joined.user_id
    left join answers on members.user_id = answers.user_id
    left join attended on members.user_id = attended.user_id
    left join actives on members.user_id = actives.user_id
),

placed as (
    select
        *,
        case
            when attended_events >= 2 then 5
            when attended_events = 1 then 4
            when yes_answers > 0 then 3
            when answers > 0 then 2
            when joined_groups > 0 then 1
            else 0
        end as stage_number
    from counted
)

select
    user_id,
    country,
    first_joined_at,
    joined_groups,
    answers,
    first_answer_at,
    yes_answers,
    first_yes_at,
    attended_events,
    attended_groups,
    first_attended_at,
    last_attended_at,
    active_groups,
    active_groups > 0 as is_active,
    cast(stage_number as int) as stage_number,
    case stage_number
        when 5 then 'returned'
        when 4 then 'attended'
        when 3 then 'said yes'
        when 2 then 'answered'
        when 1 then 'joined'
        else 'known'
    end as stage,
    is_unknown,
    is_gone
from placed
