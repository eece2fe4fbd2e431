{# The most that each part adds to the score, 100 together. docs/marts.md gives the reasons. #}
{% set most = {'audience': 25, 'attendance': 20, 'cadence': 15, 'growth': 10, 'fill': 10, 'proximity': 10, 'topics': 10} %}
{# Half of the points are reached at so many active members, seats at an event, and kilometres. #}
{% set half = {'audience': 100, 'attendance': 30, 'proximity': 25} %}
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
    from {{ ref('int_memberships_as_of') }} as memberships
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
        not performance.is_held and not performance.is_cancelled as is_upcoming
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
        count_if({{ is_sponsor_topic('topics.topic_key') }}) as matching_topics
    from {{ ref('bridge_group_topics') }} as bridge
    inner join {{ ref('dim_topics') }} as topics on bridge.topic_key = topics.topic_key
    group by bridge.group_id
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
        topics.topics,
        groups.topic_count,
        coalesce(cast(topics.matching_topics as bigint), 0) as matching_topics,
        round(
            {{ distance_km(var('office_latitude'), var('office_longitude'), 'groups.latitude', 'groups.longitude') }},
            3
        ) as office_km,
        coalesce(cast(members.members as bigint), 0) as members,
        coalesce(cast(members.new_members as bigint), 0) as new_members_12m,
        coalesce(cast(actives.active_members as bigint), 0) as active_members,
        coalesce(cast(held.events_held as bigint), 0) as events_held_12m,
        coalesce(cast(held.events_held_previous as bigint), 0) as events_held_previous_12m,
        coalesce(cast(held.yes_seats as bigint), 0) as yes_seats_12m,
        coalesce(cast(held.yes_seats_previous as bigint), 0) as yes_seats_previous_12m,
        cast(held.median_yes_seats as double) as median_yes_seats_12m,
        coalesce(cast(held.events_with_limit as bigint), 0) as events_with_limit_12m,
        cast(held.median_fill as double) as median_fill_12m,
        coalesce(cast(held.unmet_demand_seats as bigint), 0) as unmet_demand_seats_12m,
        coalesce(cast(held.upcoming_events as bigint), 0) as upcoming_events,
        held.last_event_at,
        held.next_event_at,
        case
            when held.last_event_at is not null
                then cast({{ dbt.datediff('cast(held.last_event_at as date)', 'cast(clock.as_of as date)', 'day') }} as int)
        end as days_since_last_event,
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
        not is_unknown and not is_lapsed and events_held_12m > 0 as is_candidate
    from measured
),

-- Each part from 0 to 1, of candidates: without events there is nothing to judge. A missing fill or place says nothing in their favour.
parts as (
    select
        group_id,
        {{ saturated('active_members', half.audience) }} as audience,
        {{ saturated('mean_yes_seats_12m', half.attendance) }} as attendance,
        least(cast(events_held_12m as double) / 12, 1) as cadence,
        -- Half for as many seats as the year before, all for a group that had none then.
        coalesce({{ safe_ratio('yes_seats_12m', 'yes_seats_12m + yes_seats_previous_12m') }}, 0) as growth,
        least(coalesce(median_fill_12m, 0), 1) as fill,
        coalesce(1 - {{ saturated('office_km', half.proximity) }}, 0) as proximity,
        cast(case when matching_topics > 0 then 1 else 0 end as double) as topics
    from compared
),

points as (
    select
        parts.group_id,
        case when compared.is_candidate then {{ most.audience }} * parts.audience else 0 end as audience_points,
        case when compared.is_candidate then {{ most.attendance }} * parts.attendance else 0 end as attendance_points,
        case when compared.is_candidate then {{ most.cadence }} * parts.cadence else 0 end as cadence_points,
        case when compared.is_candidate then {{ most.growth }} * parts.growth else 0 end as growth_points,
        case when compared.is_candidate then {{ most.fill }} * parts.fill else 0 end as fill_points,
        case when compared.is_candidate then {{ most.proximity }} * parts.proximity else 0 end as proximity_points,
        case when compared.is_candidate then {{ most.topics }} * parts.topics else 0 end as topics_points
    from parts
    inner join compared on parts.group_id = compared.group_id
),

-- Rounded, so that no last bit of a double decides a rank.
scored as (
    select
        *,
        round(
            audience_points
            + attendance_points
            + cadence_points
            + growth_points
            + fill_points
            + proximity_points
            + topics_points,
            6
        ) as sponsor_score
    from points
)

select
    compared.group_id,
    compared.group_name,
    compared.city,
    compared.latitude,
    compared.longitude,
    compared.office_km,
    compared.topics,
    compared.topic_count,
    compared.matching_topics,
    compared.created_at,
    compared.members,
    compared.new_members_12m,
    compared.member_growth_12m,
    compared.active_members,
    compared.actives_per_member,
    compared.events_held_12m,
    compared.events_held_previous_12m,
    compared.yes_seats_12m,
    compared.yes_seats_previous_12m,
    compared.seats_growth_12m,
    compared.mean_yes_seats_12m,
    compared.median_yes_seats_12m,
    compared.events_with_limit_12m,
    compared.median_fill_12m,
    compared.unmet_demand_seats_12m,
    compared.upcoming_events,
    compared.last_event_at,
    compared.next_event_at,
    compared.days_since_last_event,
    compared.is_lapsed,
    compared.is_unknown,
    compared.is_candidate,
    scored.audience_points,
    scored.attendance_points,
    scored.cadence_points,
    scored.growth_points,
    scored.fill_points,
    scored.proximity_points,
    scored.topics_points,
    scored.sponsor_score,
    cast(row_number() over (order by scored.sponsor_score desc, compared.group_id asc) as bigint) as sponsor_rank
from compared
inner join scored on compared.group_id = scored.group_id
