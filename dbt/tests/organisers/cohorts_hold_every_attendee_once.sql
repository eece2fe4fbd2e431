with attendees as (
    select
        group_id,
        count(distinct user_id) as members
    from {{ ref('int_attendances') }}
    group by group_id
),

cohorts as (
    select
        group_id,
        sum(cohort_members) as members
    from {{ ref('attendee_cohorts') }}
    where months_since = 0
    group by group_id
)

select
    attendees.group_id,
    attendees.members,
    cohorts.members as cohort_members
from attendees
full outer join cohorts on attendees.group_id = cohorts.group_id
where coalesce(attendees.members, 0) <> coalesce(cohorts.members, 0)
