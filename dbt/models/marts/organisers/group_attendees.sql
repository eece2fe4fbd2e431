{{
    config(
        unique_key=['group_id', 'user_id'],
        meta={'states': 'int_group_states', 'scope': 'group_id', 'state': ['held_state', 'recent_state', 'gone_state']},
        pre_hook='{{ prepare_states() }}',
        post_hook='{{ remember_states() }}',
    )
}}

{# The number of events that makes a regular. #}
{% set regular_events = 3 %}
with attended as (
    select
        group_id,
        user_id,
        count(*) as attended_events,
        min(attended_at) as first_attended_at,
        max(attended_at) as last_attended_at
    from {{ ref('int_attendances') }}
    where {{ is_changed('group_id') }}
    group by group_id, user_id
),

held as (
    select
        group_id,
        max(starts_at) as last_event_at
    from {{ ref('fct_events') }}
    where is_held
    group by group_id
)

select
    attended.group_id,
    attended.user_id,
    cast(attended.attended_events as bigint) as attended_events,
    attended.first_attended_at,
    attended.last_attended_at,
    actives.user_id is not null as is_active,
    attended.attended_events >= {{ regular_events }} as is_regular,
    -- People who stay away from an active group, not people whose group has no more events.
    attended.attended_events >= {{ regular_events }}
    and {{ is_lapsed('attended.last_attended_at', 'clock.as_of') }}
    and not {{ is_lapsed('held.last_event_at', 'clock.as_of') }}
    and not members.is_gone
    and not groups.is_gone as is_lapsed_regular
from attended
inner join held on attended.group_id = held.group_id
inner join {{ ref('dim_members') }} as members on attended.user_id = members.user_id
inner join {{ ref('dim_groups') }} as groups on attended.group_id = groups.group_id
cross join {{ ref('int_as_of') }} as clock
left join {{ ref('int_active_members') }} as actives
    on attended.group_id = actives.group_id and attended.user_id = actives.user_id
