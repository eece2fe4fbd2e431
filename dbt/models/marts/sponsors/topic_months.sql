{{ config(unique_key=['topic_key', 'month_start_on']) }}

{# Rising is judged over this many months, against the same months of the year before: a season is no trend. #}
{% set window = 6 %}
-- A group's months have no gaps and all end with the same one, so rows are months, and the groups' windows add up to their topic's.
with groups as (
    select
        group_id,
        month_start_on,
        events_held,
        yes_seats,
        new_members,
        sum(events_held) over recent as recent_events_held,
        sum(yes_seats) over recent as recent_yes_seats
    from {{ ref('group_months') }}
    where is_month_over
    window recent as (
        partition by group_id
        order by month_start_on
        rows between {{ window - 1 }} preceding and current row
    )
),

months as (
    select
        month_start_on,
        sum(yes_seats) as yes_seats,
        sum(recent_yes_seats) as recent_yes_seats
    from groups
    group by month_start_on
),

topics as (
    select
        bridge.topic_key,
        groups.month_start_on,
        count(*) as groups,
        count_if(groups.events_held > 0) as active_groups,
        sum(groups.events_held) as events_held,
        sum(groups.yes_seats) as yes_seats,
        sum(groups.new_members) as new_members,
        count_if(groups.recent_events_held > 0) as recent_active_groups,
        sum(groups.recent_events_held) as recent_events_held,
        sum(groups.recent_yes_seats) as recent_yes_seats,
        max(groups.recent_yes_seats) as largest_group_seats
    from groups
    inner join {{ ref('bridge_group_topics') }} as bridge on groups.group_id = bridge.group_id
    group by bridge.topic_key, groups.month_start_on
),

shares as (
    select
        topics.*,
        {{ safe_ratio('topics.yes_seats', 'months.yes_seats') }} as seat_share,
        {{ safe_ratio('topics.largest_group_seats', 'topics.recent_yes_seats') }} as largest_group_share,
        case
            when row_number() over (partition by topics.topic_key order by topics.month_start_on) >= {{ window }}
                then {{ safe_ratio('topics.recent_yes_seats', 'months.recent_yes_seats') }}
        end as recent_seat_share
    from topics
    inner join months on topics.month_start_on = months.month_start_on
),

compared as (
    select
        *,
        lag(recent_seat_share, 12) over topic as year_before_seat_share,
        coalesce(lag(recent_events_held, 12) over topic, 0) as year_before_events_held
    from shares
    window topic as (partition by topic_key order by month_start_on)
),

moved as (
    select
        *,
        {{ safe_ratio('recent_seat_share', 'year_before_seat_share') }} - 1 as momentum
    from compared
)

select
    moved.topic_key,
    topics.topic_name,
    moved.month_start_on,
    cast(moved.groups as bigint) as groups,
    cast(moved.active_groups as bigint) as active_groups,
    cast(moved.events_held as bigint) as events_held,
    cast(moved.yes_seats as bigint) as yes_seats,
    cast(moved.new_members as bigint) as new_members,
    moved.seat_share,
    cast(moved.recent_events_held as bigint) as recent_events_held,
    cast(moved.recent_active_groups as bigint) as recent_active_groups,
    moved.largest_group_share,
    moved.recent_seat_share,
    moved.year_before_seat_share,
    cast(moved.year_before_events_held as bigint) as year_before_events_held,
    moved.momentum,
    {{ is_rising_topic('moved.momentum', 'moved.recent_events_held', 'moved.year_before_events_held', 'moved.recent_active_groups', 'moved.largest_group_share') }} as is_rising,
    {{ is_broad_topic('moved.recent_events_held', 'moved.recent_active_groups', 'moved.largest_group_share') }}
    and moved.year_before_events_held < {{ var('rising_min_base_events') }} as is_emerging
from moved
inner join {{ ref('dim_topics') }} as topics on moved.topic_key = topics.topic_key
