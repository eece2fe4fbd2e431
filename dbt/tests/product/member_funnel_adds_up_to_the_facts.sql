with answers as (
    select
        count(*) as answers,
        count_if(response = 'yes') as yes_answers
    from {{ ref('int_answers_as_of') }}
),

attendances as (
    select count(*) as attended_events
    from {{ ref('int_attendances') }}
),

funnel as (
    select
        coalesce(sum(answers), 0) as answers,
        coalesce(sum(yes_answers), 0) as yes_answers,
        coalesce(sum(attended_events), 0) as attended_events,
        count_if(is_active) as active_members
    from {{ ref('member_funnel') }}
),

actives as (
    select count(distinct user_id) as active_members
    from {{ ref('int_active_members') }}
)

select
    answers.answers,
    answers.yes_answers,
    attendances.attended_events,
    actives.active_members,
    funnel.answers as funnel_answers,
    funnel.yes_answers as funnel_yes_answers,
    funnel.attended_events as funnel_attended_events,
    funnel.active_members as funnel_active_members
from answers
cross join attendances
cross join actives
cross join funnel
where
    answers.answers <> funnel.answers
    or answers.yes_answers <> funnel.yes_answers
    or attendances.attended_events <> funnel.attended_events
    or actives.active_members <> funnel.active_members
