{#
    Each check: name, entity, severity, what counts as failing, out of what, and what it means. Names of counts are those of the
    one-row CTEs below. info is usual in such data, warn is wrong in the source and kept, error breaks a promise of this project.
    No quotes in descriptions: engines escape them differently.
#}
{% set checks = [
    ('groups_rejected', 'groups', 'warn', 'loads.groups_rejected', 'loads.groups_read', 'Records that broke their schema and were set aside whole in raw.rejected_records.'),
    ('users_rejected', 'users', 'warn', 'loads.users_rejected', 'loads.users_read', 'Records that broke their schema and were set aside whole in raw.rejected_records.'),
    ('venues_rejected', 'venues', 'warn', 'loads.venues_rejected', 'loads.venues_read', 'Records that broke their schema and were set aside whole in raw.rejected_records.'),
    ('events_rejected', 'events', 'warn', 'loads.events_rejected', 'loads.events_read', 'Records that broke their schema and were set aside whole in raw.rejected_records.'),
    ('groups_repeated', 'groups', 'warn', 'drop_counts.groups_repeated', 'drop_counts.groups_total', 'Records of a group that a later record of the same drop repeats. The last one counts.'),
    ('users_repeated', 'users', 'warn', 'drop_counts.users_repeated', 'drop_counts.users_total', 'Records of a user that a later record of the same drop repeats. The last one counts.'),
    ('venues_repeated', 'venues', 'warn', 'drop_counts.venues_repeated', 'drop_counts.venues_total', 'Records of a venue that a later record of the same drop repeats. The last one counts.'),
    ('events_repeated', 'events', 'warn', 'drop_counts.events_repeated', 'drop_counts.events_total', 'Records of an event that a later record of the same drop repeats. The last one counts.'),
    ('event_key_collisions', 'events', 'warn', 'drop_counts.events_collided', 'drop_counts.events_total', 'Of those, records of another name: perhaps another event with the same group, moment of creation and start, which the source cannot tell apart. The last one counts.'),
    ('rsvps_repeated', 'rsvps', 'warn', 'event_lists.answers - answers.total', 'event_lists.answers', 'Answers in the lists of events that a later answer of the same member to the same event replaces.'),
    ('memberships_repeated', 'memberships', 'warn', 'user_lists.memberships - memberships.total', 'user_lists.memberships', 'Memberships in the lists of users that name a group again. The earliest counts.'),
    ('groups_unknown', 'groups', 'warn', 'known_groups.unknown', 'known_groups.total', 'Groups that events or memberships name and the source lacks. Kept, as unknown.'),
    ('members_unknown', 'users', 'warn', 'known_members.unknown', 'known_members.total', 'Members that answers name and the source lacks. Kept, as unknown.'),
    ('venues_unknown', 'venues', 'warn', 'known_venues.unknown', 'known_venues.total', 'Venues that events name and the source lacks. Kept, as unknown.'),
    ('events_of_unknown_groups', 'events', 'warn', 'events.of_unknown_group', 'events.total', 'Events of a group that the source lacks.'),
    ('events_at_unknown_venues', 'events', 'warn', 'events.at_unknown_venue', 'events.total', 'Events at a venue that the source lacks.'),
    ('memberships_of_unknown_groups', 'memberships', 'warn', 'memberships.of_unknown_group', 'memberships.total', 'Memberships in a group that the source lacks.'),
    ('rsvps_of_unknown_members', 'rsvps', 'warn', 'answers.of_unknown_member', 'answers.total', 'Answers of a member that the source lacks.'),
    ('rsvps_of_non_members', 'rsvps', 'info', 'answers.of_non_member', 'answers.total', 'Answers of somebody who is not a member of the group, or is no longer: the source does not tell leavers.'),
    ('groups_without_place', 'groups', 'info', 'known_groups.without_place', 'known_groups.total', 'Groups without coordinates. Their distance to an office is unknown.'),
    ('groups_without_topics', 'groups', 'info', 'known_groups.without_topics', 'known_groups.total', 'Groups that list no topic. No row of topic_months counts them.'),
    ('venues_without_place', 'venues', 'info', 'known_venues.without_place', 'known_venues.total', 'Venues without coordinates, or with 0, 0.'),
    ('events_without_venue', 'events', 'info', 'events.without_venue', 'events.total', 'Events that name no venue.'),
    ('events_without_duration', 'events', 'info', 'events.without_duration', 'events.total', 'Events that do not say how long they last.'),
    ('events_of_odd_duration', 'events', 'warn', 'events.of_odd_duration', 'events.total', 'Events of less than 5 minutes, as if seconds had been taken for milliseconds, or of more than 7 days.'),
    ('events_of_unknown_status', 'events', 'info', 'events.of_unknown_status', 'events.total', 'Events whose status is missing or is not past, upcoming or cancelled. Only cancelled decides anything.'),
    ('events_stale_upcoming', 'events', 'info', 'events.stale_upcoming', 'events.total', 'Events that say upcoming and lie before as_of. They count as held.'),
    ('events_created_after_start', 'events', 'warn', 'events.created_after_start', 'events.total', 'Events that were put up after they had started.'),
    ('events_over_limit', 'events', 'info', 'events.over_limit', 'events.total', 'Events with more seats taken than there are.'),
    ('waitlists_without_limit', 'events', 'info', 'events.waitlist_without_limit', 'events.total', 'Events with a waitlist though they have no limit, perhaps no longer.'),
    ('rsvps_after_start', 'rsvps', 'warn', 'answers.after_start', 'answers.total', 'Answers given after the event had started. They count as any other.'),
    ('rsvps_before_event', 'rsvps', 'warn', 'answers.before_event', 'answers.total', 'Answers given before the event was put up. They count as any other.'),
    ('memberships_before_group', 'memberships', 'warn', 'memberships.before_group', 'memberships.total', 'Memberships that began before the group was founded.'),
    ('negative_numbers', 'rsvps', 'error', 'answers.negative', 'answers.total', 'Answers with less than 0 guests or seats, which the schema forbids.'),
    ('rsvps_lost', 'rsvps', 'error', 'abs(answers.total - events.answers)', 'answers.total', 'Difference between the answers of fct_rsvps and those that fct_events counts. Joins lose and multiply nothing.'),
    ('as_of_after_load', 'all', 'warn', 'clock.is_after_load', 'clock.total', 'The latest moment in the data lies after the load: a wrong date far in the future moves as_of, and every group looks lapsed. Set variable as_of.'),
] %}

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

records as (
    select
        'groups' as entity,
        cast(group_id as string) as record_key,
        group_name as record_name,
        _batch_seq
    from {{ ref('stg_meetup__groups') }}
    union all
    select
        'users' as entity,
        cast(user_id as string) as record_key,
        cast(null as string) as record_name,
        _batch_seq
    from {{ ref('stg_meetup__users') }}
    union all
    select
        'venues' as entity,
        cast(venue_id as string) as record_key,
        venue_name as record_name,
        _batch_seq
    from {{ ref('stg_meetup__venues') }}
    union all
    select
        'events' as entity,
        versions.event_key as record_key,
        staged.event_name as record_name,
        versions._batch_seq
    from {{ ref('int_event_versions') }} as versions
    inner join {{ ref('stg_meetup__events') }} as staged on {{ is_same_record('versions', 'staged') }}
),

drops as (
    select
        entity,
        record_key,
        _batch_seq,
        count(*) as records,
        count(distinct record_name) as names
    from records
    group by entity, record_key, _batch_seq
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
        count_if(not is_unknown and (latitude is null or longitude is null)) as without_place,
        count_if(not is_unknown and topic_count = 0) as without_topics
    from {{ ref('dim_groups') }}
),

known_members as (
    select
        count(*) as total,
        count_if(is_unknown) as unknown
    from {{ ref('dim_members') }}
),

known_venues as (
    select
        count(*) as total,
        count_if(is_unknown) as unknown,
        count_if(not is_unknown and (latitude is null or longitude is null)) as without_place
    from {{ ref('dim_venues') }}
),

events as (
    select
        count(*) as total,
        count_if(groups.is_unknown) as of_unknown_group,
        count_if(coalesce(venues.is_unknown, false)) as at_unknown_venue,
        count_if(events.venue_id is null) as without_venue,
        count_if(events.duration_minutes is null) as without_duration,
        count_if(events.duration_minutes < 5 or events.duration_minutes > 7 * 24 * 60) as of_odd_duration,
        count_if(coalesce(lower(events.status), 'none') not in ('past', 'upcoming', 'cancelled', 'canceled')) as of_unknown_status,
        count_if(lower(events.status) = 'upcoming' and events.is_held) as stale_upcoming,
        count_if(events.created_at > events.starts_at) as created_after_start,
        count_if(events.yes_seats > events.rsvp_limit) as over_limit,
        count_if(events.waitlist_count > 0 and events.rsvp_limit is null) as waitlist_without_limit,
        sum(events.yes_count + events.no_count + events.waitlist_count) as answers
    from {{ ref('fct_events') }} as events
    inner join {{ ref('dim_groups') }} as groups on events.group_id = groups.group_id
    left join {{ ref('dim_venues') }} as venues on events.venue_id = venues.venue_id
),

answers as (
    select
        count(*) as total,
        count_if(members.is_unknown) as of_unknown_member,
        count_if(memberships.user_id is null) as of_non_member,
        count_if(rsvps.responded_at > events.starts_at) as after_start,
        count_if(rsvps.responded_at < events.created_at) as before_event,
        count_if(rsvps.guests < 0 or rsvps.seats < 0) as negative
    from {{ ref('fct_rsvps') }} as rsvps
    inner join {{ ref('fct_events') }} as events on rsvps.event_key = events.event_key
    inner join {{ ref('dim_members') }} as members on rsvps.user_id = members.user_id
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

loaded as (
    select max(_loaded_at) as loaded_at
    from {{ ref('int_groups_latest') }}
),

clock as (
    select
        1 as total,
        case when clock.latest_at > loaded.loaded_at then 1 else 0 end as is_after_load
    from {{ ref('int_as_of') }} as clock
    cross join loaded
),

checks as (
    {%- for name, entity, severity, failing, total, description in checks %}
        {{ 'union all' if not loop.first }}
        select
            '{{ name }}' as check_name,
            '{{ entity }}' as entity,
            '{{ severity }}' as severity,
            '{{ description }}' as description
    {%- endfor %}
),

-- Every CTE above is one row that stands here once: an engine that does not keep CTEs still scans each table once.
counted as (
    select
        checks.*,
        case checks.check_name
            {%- for name, entity, severity, failing, total, description in checks %}
                when '{{ name }}' then cast({{ failing }} as bigint)
            {%- endfor %}
        end as failing_count,
        case checks.check_name
            {%- for name, entity, severity, failing, total, description in checks %}
                when '{{ name }}' then cast({{ total }} as bigint)
            {%- endfor %}
        end as total_count
    from checks
    cross join loads
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
)

select
    check_name,
    entity,
    severity,
    coalesce(failing_count, 0) as failing_count,
    coalesce(total_count, 0) as total_count,
    {{ safe_ratio('coalesce(failing_count, 0)', 'total_count') }} as failing_share,
    description
from counted
