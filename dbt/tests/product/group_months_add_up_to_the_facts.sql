with joinings as (
    select
        group_id,
        count(*) as new_members
    from {{ ref('int_memberships_as_of') }}
    group by group_id
),

held as (
    select
        group_id,
        count(*) as events_held,
        sum(yes_seats) as yes_seats
    from {{ ref('fct_events') }}
    where is_held
    group by group_id
),

attendees as (
    select
        group_id,
        count(distinct user_id) as attendees
    from {{ ref('int_attendances') }}
    group by group_id
),

months as (
    select
        group_id,
        sum(new_members) as new_members,
        max(members) as members,
        sum(events_held) as events_held,
        sum(yes_seats) as yes_seats,
        sum(new_attendees) as attendees
    from {{ ref('group_months') }}
    group by group_id
),

compared as (
    select
        groups.group_id,
        coalesce(joinings.new_members, 0) as new_members,
        coalesce(held.events_held, 0) as events_held,
        coalesce(held.yes_seats, 0) as yes_seats,
        coalesce(attendees.attendees, 0) as attendees,
        coalesce(months.new_members, 0) as months_new_members,
        coalesce(months.members, 0) as months_members,
        coalesce(months.events_held, 0) as months_events_held,
        coalesce(months.yes_seats, 0) as months_yes_seats,
        coalesce(months.attendees, 0) as months_attendees
    from {{ ref('dim_groups') }} as groups
    left join joinings on groups.group_id = joinings.group_id
    left join held on groups.group_id = held.group_id
    left join attendees on groups.group_id = attendees.group_id
    left join months on groups.group_id = months.group_id
)

select *
from compared
where
    new_members <> months_new_members
    or new_members <> months_members
    or events_held <> months_events_held
    or yes_seats <> months_yes_seats
    or attendees <> months_attendees
