{{ config(unique_key=['city', 'topic_key']) }}

{# The same half years as in topic_months. #}
{% set window = 6 %}
with months as (
    select distinct month_start_on
    from {{ ref('group_months') }}
    where is_month_over
),

numbered as (
    select
        month_start_on,
        row_number() over (order by month_start_on desc) as months_ago
    from months
),

-- Of each group, the last half year that is over, and the same half year one year before.
recent as (
    select
        groups.group_id,
        groups.city,
        sum(case when numbered.months_ago <= {{ window }} then months.events_held else 0 end) as events_held,
        sum(case when numbered.months_ago <= {{ window }} then months.yes_seats else 0 end) as yes_seats,
        sum(case when numbered.months_ago > 12 then months.events_held else 0 end) as year_before_events_held,
        sum(case when numbered.months_ago > 12 then months.yes_seats else 0 end) as year_before_yes_seats
    from {{ ref('group_months') }} as months
    inner join numbered on months.month_start_on = numbered.month_start_on
    inner join {{ ref('dim_groups') }} as groups on months.group_id = groups.group_id
    where
        (numbered.months_ago <= {{ window }} or numbered.months_ago between 13 and {{ 12 + window }})
        and groups.city is not null
    group by groups.group_id, groups.city
),

topics as (
    select
        recent.city,
        bridge.topic_key,
        count(*) as groups,
        count_if(recent.events_held > 0) as active_groups,
        sum(recent.events_held) as events_held,
        sum(recent.yes_seats) as yes_seats,
        max(recent.yes_seats) as largest_group_seats,
        sum(recent.year_before_events_held) as year_before_events_held,
        sum(recent.year_before_yes_seats) as year_before_yes_seats
    from recent
    inner join {{ ref('bridge_group_topics') }} as bridge on recent.group_id = bridge.group_id
    group by recent.city, bridge.topic_key
),

cities as (
    select
        city,
        sum(yes_seats) as yes_seats,
        sum(year_before_yes_seats) as year_before_yes_seats
    from recent
    group by city
),

shares as (
    select
        topics.*,
        {{ safe_ratio('topics.largest_group_seats', 'topics.yes_seats') }} as largest_group_share,
        {{ safe_ratio('topics.yes_seats', 'cities.yes_seats') }} as seat_share,
        {{ safe_ratio('topics.year_before_yes_seats', 'cities.year_before_yes_seats') }} as year_before_seat_share
    from topics
    inner join cities on topics.city = cities.city
),

moved as (
    select
        *,
        {{ safe_ratio('seat_share', 'year_before_seat_share') }} - 1 as momentum
    from shares
)

select
    moved.city,
    moved.topic_key,
    topics.topic_name,
    cast(moved.groups as bigint) as groups,
    cast(moved.active_groups as bigint) as active_groups,
    cast(moved.events_held as bigint) as events_held,
    cast(moved.yes_seats as bigint) as yes_seats,
    moved.largest_group_share,
    moved.seat_share,
    cast(moved.year_before_events_held as bigint) as year_before_events_held,
    moved.year_before_seat_share,
    moved.momentum,
    {{ is_rising_topic('moved.momentum', 'moved.events_held', 'moved.year_before_events_held', 'moved.active_groups', 'moved.largest_group_share') }} as is_rising
from moved
inner join {{ ref('dim_topics') }} as topics on moved.topic_key = topics.topic_key
