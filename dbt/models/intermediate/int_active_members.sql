{{ config(materialized='incremental', unique_key=['group_id', 'user_id']) }}

with held as (
    select
        event_key,
        group_id,
        starts_at
    from {{ ref('fct_events') }}
    where is_held
),

yes_answers as (
    select
        event_key,
        user_id
    from {{ ref('fct_rsvps') }}
    where response = 'yes'
),

gone_members as (
    select user_id
    from {{ ref('int_users_latest') }}
    where gone_at is not null
),

gone_groups as (
    select group_id
    from {{ ref('int_groups_latest') }}
    where gone_at is not null
)

select
    held.group_id,
    yes_answers.user_id,
    cast(count(*) as bigint) as yes_count,
    max(held.starts_at) as last_yes_event_at
from held
inner join yes_answers on held.event_key = yes_answers.event_key
cross join {{ ref('int_as_of') }} as clock
left join gone_members on yes_answers.user_id = gone_members.user_id
left join gone_groups on held.group_id = gone_groups.group_id
where
    held.starts_at >= {{ dbt.dateadd('day', '-' ~ var('active_days'), 'clock.as_of') }}
    and gone_members.user_id is null
    and gone_groups.group_id is null
group by held.group_id, yes_answers.user_id
