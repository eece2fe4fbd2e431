{{
    config(
        unique_key='membership_key',
        meta={'states': 'int_group_states', 'scope': 'group_id', 'state': ['events_state', 'members_state', 'judged_state']},
        pre_hook='{{ prepare_states() }}',
        post_hook='{{ remember_states() }}',
    )
}}

with answers as (
    select
        group_id,
        user_id,
        min(responded_at) as first_answer_at,
        min(responded_at) filter (where response = 'yes') as first_yes_at
    from {{ ref('int_answers_as_of') }}
    where {{ is_changed('group_id') }}
    group by group_id, user_id
),

-- Memberships and held events on one timeline per group, so that each membership finds the next event without a range join.
happenings as (
    select
        membership_key,
        group_id,
        user_id,
        joined_at as happened_at,
        cast(null as timestamp) as event_at
    from {{ ref('int_memberships_as_of') }}
    where {{ is_changed('group_id') }}
    union all
    select
        cast(null as string) as membership_key,
        group_id,
        cast(null as bigint) as user_id,
        starts_at as happened_at,
        starts_at as event_at
    from {{ ref('fct_events') }}
    where is_held and {{ is_changed('group_id') }}
),

placed as (
    select
        membership_key,
        group_id,
        user_id,
        happened_at,
        min(event_at) over (
            partition by group_id
            order by happened_at
            range between current row and unbounded following
        ) as next_event_at
    from happenings
),

timed as (
    select
        memberships.membership_key,
        memberships.group_id,
        memberships.user_id,
        memberships.happened_at as joined_at,
        answers.first_answer_at,
        answers.first_yes_at,
        attended.first_attended_at,
        attended.attended_events,
        memberships.next_event_at,
        clock.as_of,
        {{ dbt.dateadd('day', var('activation_days', 90), 'memberships.happened_at') }} as activates_until
    from placed as memberships
    left join answers
        on memberships.group_id = answers.group_id and memberships.user_id = answers.user_id
    left join {{ ref('group_attendees') }} as attended
        on memberships.group_id = attended.group_id and memberships.user_id = attended.user_id
    cross join {{ ref('int_as_of') }} as clock
    where memberships.membership_key is not null
)

select
    membership_key,
    group_id,
    user_id,
    joined_at,
    first_answer_at,
    first_yes_at,
    first_attended_at,
    {{ days_between('joined_at', 'first_answer_at') }} as days_to_first_answer,
    {{ days_between('joined_at', 'first_yes_at') }} as days_to_first_yes,
    {{ days_between('joined_at', 'first_attended_at') }} as days_to_first_attended,
    {{ count_or_0('attended_events') }} as attended_events,
    next_event_at,
    coalesce(first_attended_at <= activates_until, false) as is_activated,
    activates_until <= as_of as is_window_over,
    -- Leave out groups without an event in those days, because nobody had a chance to attend.
    activates_until <= as_of
    and (coalesce(next_event_at <= activates_until, false) or coalesce(first_attended_at <= activates_until, false)) as is_judged
from timed
