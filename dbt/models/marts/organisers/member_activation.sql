with answers as (
    select
        group_id,
        user_id,
        min(responded_at) as first_answer_at,
        min(responded_at) filter (where response = 'yes') as first_yes_at
    from {{ ref('fct_rsvps') }}
    group by group_id, user_id
),

attended as (
    select
        group_id,
        user_id,
        min(attended_at) as first_attended_at,
        count(*) as attended_events
    from {{ ref('int_attendances') }}
    group by group_id, user_id
),

timed as (
    select
        memberships.membership_key,
        memberships.group_id,
        memberships.user_id,
        memberships.joined_at,
        answers.first_answer_at,
        answers.first_yes_at,
        attended.first_attended_at,
        attended.attended_events,
        clock.as_of,
        {{ dbt.dateadd('day', var('activation_days', 90), 'memberships.joined_at') }} as activates_until
    from {{ ref('fct_memberships') }} as memberships
    left join answers
        on memberships.group_id = answers.group_id and memberships.user_id = answers.user_id
    left join attended
        on memberships.group_id = attended.group_id and memberships.user_id = attended.user_id
    cross join {{ ref('int_as_of') }} as clock
)

select
    membership_key,
    group_id,
    user_id,
    joined_at,
    first_answer_at,
    first_yes_at,
    first_attended_at,
    -- Null in, null out, by hand: on some engines a difference of days with a null is an error.
    case
        when first_answer_at is not null
            then cast({{ dbt.datediff('cast(joined_at as date)', 'cast(coalesce(first_answer_at, joined_at) as date)', 'day') }} as int)
    end as days_to_first_answer,
    case
        when first_yes_at is not null
            then cast({{ dbt.datediff('cast(joined_at as date)', 'cast(coalesce(first_yes_at, joined_at) as date)', 'day') }} as int)
    end as days_to_first_yes,
    case
        when first_attended_at is not null
            then cast({{ dbt.datediff('cast(joined_at as date)', 'cast(coalesce(first_attended_at, joined_at) as date)', 'day') }} as int)
    end as days_to_first_attended,
    coalesce(cast(attended_events as bigint), 0) as attended_events,
    coalesce(first_attended_at <= activates_until, false) as is_activated,
    activates_until <= as_of as is_window_over
from timed
