{# Rising is judged over this many months, against the same months of the year before: a season is no trend. #}
{% set window = 6 %}
with groups as (
    select
        group_id,
        month_start_on,
        events_held,
        yes_seats,
        new_members
    from {{ ref('group_months') }}
    where is_month_over
),

months as (
    select
        month_start_on,
        sum(yes_seats) as yes_seats
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
        sum(groups.new_members) as new_members
    from groups
    inner join {{ ref('bridge_group_topics') }} as bridge on groups.group_id = bridge.group_id
    group by bridge.topic_key, groups.month_start_on
),

-- A group's months have no gaps and all end with the same one, so neither have a topic's: rows are months.
windowed as (
    select
        topics.*,
        months.yes_seats as all_yes_seats,
        sum(topics.events_held) over recent as recent_events_held,
        sum(topics.yes_seats) over recent as recent_yes_seats,
        sum(months.yes_seats) over recent as recent_all_yes_seats,
        count(*) over recent as recent_months
    from topics
    inner join months on topics.month_start_on = months.month_start_on
    window recent as (
        partition by topics.topic_key
        order by topics.month_start_on
        rows between {{ window - 1 }} preceding and current row
    )
),

shares as (
    select
        *,
        {{ safe_ratio('yes_seats', 'all_yes_seats') }} as seat_share,
        case
            when recent_months = {{ window }} then {{ safe_ratio('recent_yes_seats', 'recent_all_yes_seats') }}
        end as recent_seat_share
    from windowed
),

compared as (
    select
        *,
        lag(recent_seat_share, 12) over (partition by topic_key order by month_start_on) as year_before_seat_share
    from shares
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
    moved.recent_seat_share,
    moved.year_before_seat_share,
    moved.momentum,
    coalesce(
        moved.momentum >= {{ var('rising_momentum') }}
        and moved.recent_events_held >= {{ var('rising_min_events') }}
        and moved.groups >= {{ var('rising_min_groups') }},
        false
    ) as is_rising
from moved
inner join {{ ref('dim_topics') }} as topics on moved.topic_key = topics.topic_key
