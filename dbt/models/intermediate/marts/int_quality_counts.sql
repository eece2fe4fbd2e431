{{ config(materialized='table') }}

-- One row, for which each table is scanned once. data_quality explains the counts.
with loads as (
    select
        sum(case when entity = 'groups' then records_rejected else 0 end) as groups_rejected,
        sum(case when entity = 'groups' then records_read else 0 end) as groups_read,
        sum(case when entity = 'users' then records_rejected else 0 end) as users_rejected,
        sum(case when entity = 'users' then records_read else 0 end) as users_read,
        sum(case when entity = 'venues' then records_rejected else 0 end) as venues_rejected,
        sum(case when entity = 'venues' then records_read else 0 end) as venues_read,
        sum(case when entity = 'events' then records_rejected else 0 end) as events_rejected,
        sum(case when entity = 'events' then records_read else 0 end) as events_read
    from {{ ref('int_load_counts') }}
),

-- A row per record that a drop holds, however often it holds it.
drops as (
    select
        'groups' as entity,
        count(*) as records,
        cast(0 as bigint) as names
    from {{ ref('stg_meetup__groups') }}
    group by group_id, _batch_seq
    union all
    select
        'users' as entity,
        count(*) as records,
        cast(0 as bigint) as names
    from {{ ref('stg_meetup__users') }}
    group by user_id, _batch_seq
    union all
    select
        'venues' as entity,
        count(*) as records,
        cast(0 as bigint) as names
    from {{ ref('stg_meetup__venues') }}
    group by venue_id, _batch_seq
    union all
    select
        'events' as entity,
        count(*) as records,
        count(distinct staged.event_name) as names
    from {{ ref('int_event_versions') }} as versions
    inner join {{ ref('stg_meetup__events') }} as staged on {{ is_same_record('versions', 'staged') }}
    group by versions.event_key, versions._batch_seq
),

drop_counts as (
    select
        sum(case when entity = 'groups' then records else 0 end) as groups_total,
        sum(case when entity = 'groups' then records - 1 else 0 end) as groups_repeated,
        sum(case when entity = 'users' then records else 0 end) as users_total,
        sum(case when entity = 'users' then records - 1 else 0 end) as users_repeated,
        sum(case when entity = 'venues' then records else 0 end) as venues_total,
        sum(case when entity = 'venues' then records - 1 else 0 end) as venues_repeated,
        sum(case when entity = 'events' then records else 0 end) as events_total,
        sum(case when entity = 'events' then records - 1 else 0 end) as events_repeated,
        sum(case when entity = 'events' then names - 1 else 0 end) as events_collided
    from drops
),

event_lists as (
    select sum(rsvp_count) as answers
    from {{ ref('int_events_latest') }}
),

user_lists as (
    select sum(membership_count) as memberships
    from {{ ref('int_users_latest') }}
),

known_groups as (
    select
        count(*) as total,
        count_if(is_unknown) as unknown,
        count_if(not is_unknown) as known,
        count_if(is_gone) as gone,
        count_if(not is_unknown and (latitude is null or longitude is null)) as without_place,
        count_if(not is_unknown and topic_count = 0) as without_topics
    from {{ ref('dim_groups') }}
),

known_members as (
    select
        count(*) as total,
        count_if(is_unknown) as unknown,
        count_if(not is_unknown) as known,
        count_if(is_gone) as gone
    from {{ ref('dim_members') }}
),

known_venues as (
    select
        count(*) as total,
        count_if(is_unknown) as unknown,
        count_if(not is_unknown) as known,
        count_if(is_gone) as gone,
        count_if(not is_unknown and (latitude is null or longitude is null)) as without_place
    from {{ ref('dim_venues') }}
),

events as (
    select
        count(*) as total,
        count_if(events.is_gone) as gone,
        count_if(groups.is_unknown) as of_unknown_group,
        count_if(coalesce(venues.is_unknown, false)) as at_unknown_venue,
        count_if(events.venue_id is null) as without_venue,
        count_if(events.duration_minutes is null) as without_duration,
        count_if(events.duration_minutes < 5 or events.duration_minutes > 7 * 24 * 60) as of_odd_duration,
        count_if(coalesce(lower(events.status), 'none') not in ('past', 'upcoming', 'cancelled', 'canceled')) as of_unknown_status,
        count_if(lower(events.status) = 'upcoming' and events.is_held) as stale_upcoming,
        count_if(events.is_draft and events.starts_at < clock.as_of) as never_announced,
        count_if(events.created_at > events.starts_at) as created_after_start,
        count_if(events.yes_seats > events.rsvp_limit) as over_limit,
        count_if(events.waitlist_count > 0 and events.rsvp_limit is null) as waitlist_without_limit,
        sum(events.yes_count + events.no_count + events.waitlist_count) as answers
    from {{ ref('fct_events') }} as events
    inner join {{ ref('dim_groups') }} as groups on events.group_id = groups.group_id
    left join {{ ref('dim_venues') }} as venues on events.venue_id = venues.venue_id
    cross join {{ ref('int_as_of') }} as clock
),

unknown_members as (
    select user_id
    from {{ ref('dim_members') }}
    where is_unknown
),

answers as (
    select
        count(*) as total,
        count_if(unknown_members.user_id is not null) as of_unknown_member,
        count_if(memberships.user_id is null) as of_non_member,
        count_if(rsvps.responded_at > events.starts_at) as after_start,
        count_if(rsvps.responded_at < events.created_at) as before_event,
        count_if(rsvps.guests > 10) as of_many_guests,
        count_if(rsvps.guests < 0 or rsvps.seats < 0) as negative
    from {{ ref('fct_rsvps') }} as rsvps
    inner join {{ ref('fct_events') }} as events on rsvps.event_key = events.event_key
    left join unknown_members on rsvps.user_id = unknown_members.user_id
    left join {{ ref('fct_memberships') }} as memberships
        on rsvps.group_id = memberships.group_id and rsvps.user_id = memberships.user_id
),

memberships as (
    select
        count(*) as total,
        count_if(groups.is_unknown) as of_unknown_group,
        count_if(memberships.joined_at < groups.created_at) as before_group
    from {{ ref('fct_memberships') }} as memberships
    inner join {{ ref('dim_groups') }} as groups on memberships.group_id = groups.group_id
),

clock as (
    select
        1 as total,
        case when clock.latest_at > last_load.believable_until then 1 else 0 end as is_after_load
    from {{ ref('int_as_of') }} as clock
    cross join {{ ref('int_last_load') }} as last_load
)

select
    {{ count_or_0('loads.groups_rejected') }} as groups_rejected,
    {{ count_or_0('loads.groups_read') }} as groups_read,
    {{ count_or_0('loads.users_rejected') }} as users_rejected,
    {{ count_or_0('loads.users_read') }} as users_read,
    {{ count_or_0('loads.venues_rejected') }} as venues_rejected,
    {{ count_or_0('loads.venues_read') }} as venues_read,
    {{ count_or_0('loads.events_rejected') }} as events_rejected,
    {{ count_or_0('loads.events_read') }} as events_read,
    {{ count_or_0('drop_counts.groups_total') }} as records_groups_total,
    {{ count_or_0('drop_counts.groups_repeated') }} as records_groups_repeated,
    {{ count_or_0('drop_counts.users_total') }} as records_users_total,
    {{ count_or_0('drop_counts.users_repeated') }} as records_users_repeated,
    {{ count_or_0('drop_counts.venues_total') }} as records_venues_total,
    {{ count_or_0('drop_counts.venues_repeated') }} as records_venues_repeated,
    {{ count_or_0('drop_counts.events_total') }} as records_events_total,
    {{ count_or_0('drop_counts.events_repeated') }} as records_events_repeated,
    {{ count_or_0('drop_counts.events_collided') }} as records_events_collided,
    {{ count_or_0('event_lists.answers') }} as event_list_answers,
    {{ count_or_0('user_lists.memberships') }} as user_list_memberships,
    {{ count_or_0('known_groups.total') }} as groups_total,
    {{ count_or_0('known_groups.unknown') }} as groups_unknown,
    {{ count_or_0('known_groups.gone') }} as groups_gone,
    {{ count_or_0('known_groups.known') }} as groups_known,
    {{ count_or_0('known_groups.without_place') }} as groups_without_place,
    {{ count_or_0('known_groups.without_topics') }} as groups_without_topics,
    {{ count_or_0('known_members.total') }} as members_total,
    {{ count_or_0('known_members.unknown') }} as members_unknown,
    {{ count_or_0('known_members.known') }} as members_known,
    {{ count_or_0('known_members.gone') }} as members_gone,
    {{ count_or_0('known_venues.total') }} as venues_total,
    {{ count_or_0('known_venues.unknown') }} as venues_unknown,
    {{ count_or_0('known_venues.gone') }} as venues_gone,
    {{ count_or_0('known_venues.known') }} as venues_known,
    {{ count_or_0('known_venues.without_place') }} as venues_without_place,
    {{ count_or_0('events.total') }} as events_total,
    {{ count_or_0('events.gone') }} as events_gone,
    {{ count_or_0('events.of_unknown_group') }} as events_of_unknown_group,
    {{ count_or_0('events.at_unknown_venue') }} as events_at_unknown_venue,
    {{ count_or_0('events.without_venue') }} as events_without_venue,
    {{ count_or_0('events.without_duration') }} as events_without_duration,
    {{ count_or_0('events.of_odd_duration') }} as events_of_odd_duration,
    {{ count_or_0('events.of_unknown_status') }} as events_of_unknown_status,
    {{ count_or_0('events.stale_upcoming') }} as events_stale_upcoming,
    {{ count_or_0('events.never_announced') }} as events_never_announced,
    {{ count_or_0('events.created_after_start') }} as events_created_after_start,
    {{ count_or_0('events.over_limit') }} as events_over_limit,
    {{ count_or_0('events.waitlist_without_limit') }} as events_waitlist_without_limit,
    {{ count_or_0('events.answers') }} as events_answers,
    {{ count_or_0('answers.total') }} as answers_total,
    {{ count_or_0('answers.of_unknown_member') }} as answers_of_unknown_member,
    {{ count_or_0('answers.of_non_member') }} as answers_of_non_member,
    {{ count_or_0('answers.after_start') }} as answers_after_start,
    {{ count_or_0('answers.before_event') }} as answers_before_event,
    {{ count_or_0('answers.of_many_guests') }} as answers_of_many_guests,
    {{ count_or_0('answers.negative') }} as answers_negative,
    {{ count_or_0('memberships.total') }} as memberships_total,
    {{ count_or_0('memberships.of_unknown_group') }} as memberships_of_unknown_group,
    {{ count_or_0('memberships.before_group') }} as memberships_before_group,
    {{ count_or_0('clock.total') }} as clock_total,
    {{ count_or_0('clock.is_after_load') }} as clock_is_after_load
from loads
cross join drop_counts
cross join event_lists
cross join user_lists
cross join known_groups
cross join known_members
cross join known_venues
cross join events
cross join answers
cross join memberships
cross join clock
