{{
    config(
        unique_key=['group_id', 'month_start_on'],
        meta={'states': 'int_group_states', 'scope': 'group_id', 'state': ['founding_state', 'started_state', 'recent_state', 'members_state', 'month_state']},
        pre_hook='{{ prepare_states() }}',
        post_hook='{{ remember_states() }}',
    )
}}

with clock as (
    select
        as_of,
        cast(date_trunc('month', as_of) as date) as as_of_month_on
    from {{ ref('int_as_of') }}
),

-- A group's first month is that of its founding, or of an earlier event that was created before it started. For a group without a
-- founding date, it is that of its first event or else of its first joining. A joining before the founding is a wrong date and
-- doesn't count.
first_events as (
    select
        events.group_id,
        cast(date_trunc('month', min(events.starts_at)) as date) as month_start_on
    from {{ ref('fct_events') }} as events
    cross join clock
    where events.starts_at < clock.as_of and events.created_at <= events.starts_at and {{ is_changed('events.group_id') }}
    group by events.group_id
),

first_joinings as (
    select
        group_id,
        cast(date_trunc('month', min(joined_at)) as date) as month_start_on
    from {{ ref('int_memberships_as_of') }}
    where {{ is_changed('group_id') }}
    group by group_id
),

foundings as (
    select
        group_id,
        cast(date_trunc('month', created_at) as date) as month_start_on
    from {{ ref('dim_groups') }}
    where {{ is_changed('group_id') }}
),

first_months as (
    select
        foundings.group_id,
        case
            when foundings.month_start_on <= clock.as_of_month_on
                then least(foundings.month_start_on, coalesce(first_events.month_start_on, foundings.month_start_on))
            else coalesce(
                first_events.month_start_on,
                first_joinings.month_start_on,
                foundings.month_start_on,
                clock.as_of_month_on
            )
        end as first_month_on
    from foundings
    cross join clock
    left join first_events on foundings.group_id = first_events.group_id
    left join first_joinings on foundings.group_id = first_joinings.group_id
),

-- Anything dated before a group's first month counts for that month, so that nothing is lost.
joinings as (
    select
        memberships.group_id,
        greatest(cast(date_trunc('month', memberships.joined_at) as date), first_months.first_month_on) as month_start_on,
        count(*) as new_members
    from {{ ref('int_memberships_as_of') }} as memberships
    inner join first_months on memberships.group_id = first_months.group_id
    group by all
),

events as (
    select
        events.group_id,
        greatest(cast(date_trunc('month', events.starts_at) as date), first_months.first_month_on) as month_start_on,
        count_if(events.is_held) as events_held,
        count_if(events.is_cancelled) as events_cancelled,
        sum(case when events.is_held then events.yes_seats else 0 end) as yes_seats,
        max(case when events.is_held then events.starts_at end) as last_event_at
    from {{ ref('fct_events') }} as events
    inner join first_months on events.group_id = first_months.group_id
    cross join clock
    where events.starts_at < clock.as_of
    group by all
),

attended as (
    select distinct
        attendances.group_id,
        attendances.user_id,
        greatest(attendances.attended_month_on, first_months.first_month_on) as month_start_on
    from {{ ref('int_attendances') }} as attendances
    inner join first_months on attendances.group_id = first_months.group_id
),

firsts as (
    select
        group_id,
        user_id,
        min(month_start_on) as month_start_on
    from attended
    group by group_id, user_id
),

attendees as (
    select
        group_id,
        month_start_on,
        count(*) as attendees
    from attended
    group by group_id, month_start_on
),

new_attendees as (
    select
        group_id,
        month_start_on,
        count(*) as new_attendees
    from firsts
    group by group_id, month_start_on
),

spined as (
    select
        first_months.group_id,
        months.month_start_on,
        months.next_month_start_on,
        months.is_month_over
    from first_months
    inner join {{ ref('int_months') }} as months on first_months.first_month_on <= months.month_start_on
),

counted as (
    select
        spined.group_id,
        spined.month_start_on,
        spined.is_month_over,
        least(cast(spined.next_month_start_on as timestamp), clock.as_of) as ends_at,
        {{ count_or_0('joinings.new_members') }} as new_members,
        {{ count_or_0('events.events_held') }} as events_held,
        {{ count_or_0('events.events_cancelled') }} as events_cancelled,
        {{ count_or_0('events.yes_seats') }} as yes_seats,
        {{ count_or_0('attendees.attendees') }} as attendees,
        {{ count_or_0('new_attendees.new_attendees') }} as new_attendees,
        events.last_event_at as last_event_of_month_at
    from spined
    cross join clock
    left join joinings
        on spined.group_id = joinings.group_id and spined.month_start_on = joinings.month_start_on
    left join events
        on spined.group_id = events.group_id and spined.month_start_on = events.month_start_on
    left join attendees
        on spined.group_id = attendees.group_id and spined.month_start_on = attendees.month_start_on
    left join new_attendees
        on spined.group_id = new_attendees.group_id and spined.month_start_on = new_attendees.month_start_on
),

accumulated as (
    select
        *,
        cast(sum(new_members) over so_far as bigint) as members,
        max(last_event_of_month_at) over so_far as last_event_at,
        cast(sum(events_held) over (
            partition by group_id
            order by month_start_on
            rows between 2 preceding and current row
        ) as bigint) as events_held_3m
    from counted
    window so_far as (partition by group_id order by month_start_on rows between unbounded preceding and current row)
),

judged as (
    select
        *,
        {{ is_lapsed('last_event_at', 'ends_at') }} as is_lapsed
    from accumulated
),

turned as (
    select
        *,
        coalesce(lag(is_lapsed) over (partition by group_id order by month_start_on), false) as was_lapsed
    from judged
)

select
    group_id,
    month_start_on,
    is_month_over,
    new_members,
    members,
    {{ safe_ratio('new_members', 'members - new_members') }} as member_growth,
    events_held,
    events_cancelled,
    yes_seats,
    {{ safe_ratio('yes_seats', 'events_held') }} as mean_yes_seats,
    attendees,
    new_attendees,
    attendees - new_attendees as returning_attendees,
    events_held_3m,
    last_event_at,
    is_lapsed,
    is_lapsed and not was_lapsed as is_newly_lapsed,
    was_lapsed and not is_lapsed as is_revived
from turned
