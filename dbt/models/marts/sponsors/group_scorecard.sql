{{ config(unique_key=['sponsor_id', 'group_id']) }}

{# The numbers of active members and of seats at an event that give half the points of a part; docs/marts.md has the reasons. #}
{% set half = {'audience': 100, 'attendance': 30} %}
{% set parts = ['audience', 'attendance', 'cadence', 'growth', 'fill', 'proximity', 'topics'] %}
{% set year = var('active_days') %}
with clock as (
    select
        as_of,
        {{ dbt.dateadd('day', '-' ~ year, 'as_of') }} as year_starts_at,
        {{ dbt.dateadd('day', '-' ~ 2 * year, 'as_of') }} as previous_year_starts_at
    from {{ ref('int_as_of') }}
),

members as (
    select
        memberships.group_id,
        count(*) as members,
        count_if(memberships.joined_at >= clock.year_starts_at) as new_members
    from {{ ref('int_current_memberships') }} as memberships
    cross join clock
    group by memberships.group_id
),

actives as (
    select
        group_id,
        count(*) as active_members
    from {{ ref('int_active_members') }}
    group by group_id
),

events as (
    select
        performance.group_id,
        performance.starts_at,
        performance.yes_seats,
        performance.unmet_demand_seats,
        performance.fill,
        performance.is_held,
        performance.is_held and performance.starts_at >= clock.year_starts_at as is_of_year,
        performance.is_held
        and performance.starts_at >= clock.previous_year_starts_at
        and performance.starts_at < clock.year_starts_at as is_of_previous_year,
        performance.is_upcoming
    from {{ ref('event_performance') }} as performance
    cross join clock
),

held as (
    select
        group_id,
        count_if(is_of_year) as events_held,
        count_if(is_of_previous_year) as events_held_previous,
        sum(case when is_of_year then yes_seats else 0 end) as yes_seats,
        sum(case when is_of_previous_year then yes_seats else 0 end) as yes_seats_previous,
        median(case when is_of_year then yes_seats end) as median_yes_seats,
        median(case when is_of_year then fill end) as median_fill,
        count_if(is_of_year and fill is not null) as events_with_limit,
        sum(case when is_of_year then unmet_demand_seats else 0 end) as unmet_demand_seats,
        count_if(is_upcoming) as upcoming_events,
        max(case when is_held then starts_at end) as last_event_at,
        min(case when is_upcoming then starts_at end) as next_event_at
    from events
    group by group_id
),

topics as (
    select
        bridge.group_id,
        {{ joined_text('topics.topic_name') }} as topics,
        count(*) as topics_listed
    from {{ ref('bridge_group_topics') }} as bridge
    inner join {{ ref('dim_topics') }} as topics on bridge.topic_key = topics.topic_key
    group by bridge.group_id
),

-- A sponsor without topics accepts any.
matches as (
    select
        asked.sponsor_id,
        bridge.group_id,
        count(*) as matching_topics
    from {{ ref('bridge_group_topics') }} as bridge
    inner join {{ ref('bridge_sponsor_topics') }} as asked on bridge.topic_key = asked.topic_key
    group by asked.sponsor_id, bridge.group_id
),

measured as (
    select
        groups.group_id,
        groups.group_name,
        groups.city,
        groups.latitude,
        groups.longitude,
        groups.created_at,
        groups.is_unknown,
        groups.is_gone,
        topics.topics,
        groups.topic_count,
        {{ count_or_0('topics.topics_listed') }} as topics_listed,
        {{ count_or_0('members.members') }} as members,
        {{ count_or_0('members.new_members') }} as new_members_12m,
        {{ count_or_0('actives.active_members') }} as active_members,
        {{ count_or_0('held.events_held') }} as events_held_12m,
        {{ count_or_0('held.events_held_previous') }} as events_held_previous_12m,
        {{ count_or_0('held.yes_seats') }} as yes_seats_12m,
        {{ count_or_0('held.yes_seats_previous') }} as yes_seats_previous_12m,
        cast(held.median_yes_seats as double) as median_yes_seats_12m,
        {{ count_or_0('held.events_with_limit') }} as events_with_limit_12m,
        cast(held.median_fill as double) as median_fill_12m,
        {{ count_or_0('held.unmet_demand_seats') }} as unmet_demand_seats_12m,
        {{ count_or_0('held.upcoming_events') }} as upcoming_events,
        held.last_event_at,
        held.next_event_at,
        {{ days_between('held.last_event_at', 'clock.as_of') }} as days_since_last_event,
        {{ is_lapsed('held.last_event_at', 'clock.as_of') }} as is_lapsed
    from {{ ref('dim_groups') }} as groups
    cross join clock
    left join members on groups.group_id = members.group_id
    left join actives on groups.group_id = actives.group_id
    left join held on groups.group_id = held.group_id
    left join topics on groups.group_id = topics.group_id
),

compared as (
    select
        *,
        {{ safe_ratio('new_members_12m', 'members - new_members_12m') }} as member_growth_12m,
        {{ safe_ratio('active_members', 'members') }} as actives_per_member,
        {{ safe_ratio('yes_seats_12m', 'events_held_12m') }} as mean_yes_seats_12m,
        {{ safe_ratio('yes_seats_12m - yes_seats_previous_12m', 'yes_seats_previous_12m') }} as seats_growth_12m,
        not is_unknown and not is_gone and not is_lapsed and events_held_12m > 0 as is_candidate
    from measured
),

sponsored as (
    select
        compared.*,
        sponsors.sponsor_id,
        {%- for part in parts %}
            sponsors.{{ part }}_weight,
        {%- endfor %}
        sponsors.half_distance_km,
        case
            when sponsors.asked_topics > 0 then {{ count_or_0('matches.matching_topics') }}
            else compared.topics_listed
        end as matching_topics,
        -- Rounded to metres, as shown, before points are computed.
        round(
            {{ distance_km('sponsors.office_latitude', 'sponsors.office_longitude', 'compared.latitude', 'compared.longitude') }},
            3
        ) as office_km
    from compared
    cross join {{ ref('dim_sponsors') }} as sponsors
    left join matches on compared.group_id = matches.group_id and sponsors.sponsor_id = matches.sponsor_id
),

-- Each part is between 0 and 1. An unknown part (fill without limits, growth without a previous year) is neutral and counts half.
rated as (
    select
        *,
        {{ saturated('active_members', half.audience) }} as audience_part,
        {{ saturated('median_yes_seats_12m', half.attendance) }} as attendance_part,
        least(cast(events_held_12m as double) / 12, 1) as cadence_part,
        case
            when least(events_held_12m, events_held_previous_12m) >= {{ var('growth_min_events') }}
                then coalesce({{ safe_ratio('yes_seats_12m', 'yes_seats_12m + yes_seats_previous_12m') }}, 0.5)
            else 0.5
        end as growth_part,
        least(coalesce(median_fill_12m, 0.5), 1) as fill_part,
        coalesce(1 - {{ saturated('office_km', 'half_distance_km') }}, 0) as proximity_part,
        cast(case when matching_topics > 0 then 1 else 0 end as double) as topics_part
    from sponsored
),

pointed as (
    select
        {%- for part in parts %}
            case when is_candidate then {{ part }}_weight * {{ part }}_part else 0 end as {{ part }}_points,
        {%- endfor %}
        rated.*
    from rated
),

-- Rounded, so that ranks don't depend on the last bit of a double.
scored as (
    select
        *,
        round({% for part in parts %}{{ part }}_points{{ ' + ' if not loop.last }}{% endfor %}, 6) as sponsor_score
    from pointed
)

select
    sponsor_id,
    group_id,
    group_name,
    city,
    latitude,
    longitude,
    office_km,
    topics,
    topic_count,
    matching_topics,
    created_at,
    members,
    new_members_12m,
    member_growth_12m,
    active_members,
    actives_per_member,
    events_held_12m,
    events_held_previous_12m,
    yes_seats_12m,
    yes_seats_previous_12m,
    seats_growth_12m,
    mean_yes_seats_12m,
    median_yes_seats_12m,
    events_with_limit_12m,
    median_fill_12m,
    unmet_demand_seats_12m,
    upcoming_events,
    last_event_at,
    next_event_at,
    days_since_last_event,
    is_lapsed,
    is_unknown,
    is_gone,
    is_candidate,
    {%- for part in parts %}
        {{ part }}_points,
    {%- endfor %}
    sponsor_score,
    cast(row_number() over (partition by sponsor_id order by sponsor_score desc, group_id asc) as bigint) as sponsor_rank
from scored
