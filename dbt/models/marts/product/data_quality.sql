{{ config(unique_key='check_name') }}

{#
    The checks. failing and total are columns of int_quality_counts or expressions of them. Severity info: common in such data; warn:
    wrong in the source, but kept; error: a guarantee of this project is broken. Descriptions must not contain quotes, which engines
    escape differently.
#}
{% set checks = [
    {
        'name': 'groups_rejected', 'entity': 'groups', 'severity': 'warn',
        'failing': 'groups_rejected', 'total': 'groups_read',
        'description': 'Records that failed validation against their schema. They are kept in raw.rejected_records.',
    },
    {
        'name': 'users_rejected', 'entity': 'users', 'severity': 'warn',
        'failing': 'users_rejected', 'total': 'users_read',
        'description': 'Records that failed validation against their schema. They are kept in raw.rejected_records.',
    },
    {
        'name': 'venues_rejected', 'entity': 'venues', 'severity': 'warn',
        'failing': 'venues_rejected', 'total': 'venues_read',
        'description': 'Records that failed validation against their schema. They are kept in raw.rejected_records.',
    },
    {
        'name': 'events_rejected', 'entity': 'events', 'severity': 'warn',
        'failing': 'events_rejected', 'total': 'events_read',
        'description': 'Records that failed validation against their schema. They are kept in raw.rejected_records.',
    },
    {
        'name': 'groups_repeated', 'entity': 'groups', 'severity': 'warn',
        'failing': 'records_groups_repeated', 'total': 'records_groups_total',
        'description': 'Records of a group that is repeated later in the same drop. The last one counts.',
    },
    {
        'name': 'users_repeated', 'entity': 'users', 'severity': 'warn',
        'failing': 'records_users_repeated', 'total': 'records_users_total',
        'description': 'Records of a user that is repeated later in the same drop. The last one counts.',
    },
    {
        'name': 'venues_repeated', 'entity': 'venues', 'severity': 'warn',
        'failing': 'records_venues_repeated', 'total': 'records_venues_total',
        'description': 'Records of a venue that is repeated later in the same drop. The last one counts.',
    },
    {
        'name': 'events_repeated', 'entity': 'events', 'severity': 'warn',
        'failing': 'records_events_repeated', 'total': 'records_events_total',
        'description': 'Records of an event that is repeated later in the same drop. The last one counts.',
    },
    {
        'name': 'event_key_collisions', 'entity': 'events', 'severity': 'warn',
        'failing': 'records_events_collided', 'total': 'records_events_total',
        'description': 'Additional names of one event in one drop. They may be different events with the same group, time of creation and start, which the source cannot distinguish. The last record counts.',
    },
    {
        'name': 'rsvps_repeated', 'entity': 'rsvps', 'severity': 'warn',
        'failing': 'event_list_answers - answers_total', 'total': 'event_list_answers',
        'description': 'Answers in the lists of events that are replaced by a later answer of the same member to the same event.',
    },
    {
        'name': 'memberships_repeated', 'entity': 'memberships', 'severity': 'warn',
        'failing': 'user_list_memberships - memberships_total', 'total': 'user_list_memberships',
        'description': 'Repeated memberships of a group in the lists of users. The earliest counts.',
    },
    {
        'name': 'groups_unknown', 'entity': 'groups', 'severity': 'warn',
        'failing': 'groups_unknown', 'total': 'groups_total',
        'description': 'Groups that events or memberships refer to but the source lacks. Kept as unknown.',
    },
    {
        'name': 'members_unknown', 'entity': 'users', 'severity': 'warn',
        'failing': 'members_unknown', 'total': 'members_total',
        'description': 'Members that answers refer to but the source lacks. Kept as unknown.',
    },
    {
        'name': 'venues_unknown', 'entity': 'venues', 'severity': 'warn',
        'failing': 'venues_unknown', 'total': 'venues_total',
        'description': 'Venues that events refer to but the source lacks. Kept as unknown.',
    },
    {
        'name': 'groups_gone', 'entity': 'groups', 'severity': 'info',
        'failing': 'groups_gone', 'total': 'groups_known',
        'description': 'Groups that a complete drop lacked and no later drop had. They are kept, but do not count as current.',
    },
    {
        'name': 'members_gone', 'entity': 'users', 'severity': 'info',
        'failing': 'members_gone', 'total': 'members_known',
        'description': 'Members that a complete drop lacked and no later drop had. They are kept, but do not count as current.',
    },
    {
        'name': 'venues_gone', 'entity': 'venues', 'severity': 'info',
        'failing': 'venues_gone', 'total': 'venues_known',
        'description': 'Venues that a complete drop lacked and no later drop had. They are kept, but do not count as current.',
    },
    {
        'name': 'events_gone', 'entity': 'events', 'severity': 'info',
        'failing': 'events_gone', 'total': 'events_total',
        'description': 'Events that a complete drop lacked and no later drop had. They are kept, but do not count as current.',
    },
    {
        'name': 'events_of_unknown_groups', 'entity': 'events', 'severity': 'warn',
        'failing': 'events_of_unknown_group', 'total': 'events_total',
        'description': 'Events of a group that the source lacks.',
    },
    {
        'name': 'events_at_unknown_venues', 'entity': 'events', 'severity': 'warn',
        'failing': 'events_at_unknown_venue', 'total': 'events_total',
        'description': 'Events at a venue that the source lacks.',
    },
    {
        'name': 'memberships_of_unknown_groups', 'entity': 'memberships', 'severity': 'warn',
        'failing': 'memberships_of_unknown_group', 'total': 'memberships_total',
        'description': 'Memberships in a group that the source lacks.',
    },
    {
        'name': 'rsvps_of_unknown_members', 'entity': 'rsvps', 'severity': 'warn',
        'failing': 'answers_of_unknown_member', 'total': 'answers_total',
        'description': 'Answers of a member that the source lacks.',
    },
    {
        'name': 'rsvps_of_non_members', 'entity': 'rsvps', 'severity': 'info',
        'failing': 'answers_of_non_member', 'total': 'answers_total',
        'description': 'Answers of people who are not, or no longer, members of the group. The source does not say who left.',
    },
    {
        'name': 'groups_without_place', 'entity': 'groups', 'severity': 'info',
        'failing': 'groups_without_place', 'total': 'groups_known',
        'description': 'Known groups without coordinates. Their distance to an office is unknown.',
    },
    {
        'name': 'groups_without_topics', 'entity': 'groups', 'severity': 'info',
        'failing': 'groups_without_topics', 'total': 'groups_known',
        'description': 'Known groups without topics. They are not counted in topic_months.',
    },
    {
        'name': 'venues_without_place', 'entity': 'venues', 'severity': 'info',
        'failing': 'venues_without_place', 'total': 'venues_known',
        'description': 'Known venues without coordinates, or with 0, 0.',
    },
    {
        'name': 'events_without_venue', 'entity': 'events', 'severity': 'info',
        'failing': 'events_without_venue', 'total': 'events_total',
        'description': 'Events without a venue.',
    },
    {
        'name': 'events_without_duration', 'entity': 'events', 'severity': 'info',
        'failing': 'events_without_duration', 'total': 'events_total',
        'description': 'Events without a duration.',
    },
    {
        'name': 'events_of_odd_duration', 'entity': 'events', 'severity': 'warn',
        'failing': 'events_of_odd_duration', 'total': 'events_total',
        'description': 'Events shorter than 5 minutes, as if seconds were used as milliseconds, or longer than 7 days.',
    },
    {
        'name': 'events_of_unknown_status', 'entity': 'events', 'severity': 'info',
        'failing': 'events_of_unknown_status', 'total': 'events_total',
        'description': 'Events whose status is missing or is not past, upcoming or cancelled. Only cancelled, draft, proposed and suggested have an effect.',
    },
    {
        'name': 'events_stale_upcoming', 'entity': 'events', 'severity': 'info',
        'failing': 'events_stale_upcoming', 'total': 'events_total',
        'description': 'Events with status upcoming that start before as_of. They count as held.',
    },
    {
        'name': 'events_never_announced', 'entity': 'events', 'severity': 'info',
        'failing': 'events_never_announced', 'total': 'events_total',
        'description': 'Events with status draft, proposed or suggested that start before as_of. They do not count as held.',
    },
    {
        'name': 'events_created_after_start', 'entity': 'events', 'severity': 'warn',
        'failing': 'events_created_after_start', 'total': 'events_total',
        'description': 'Events that were created after they had started.',
    },
    {
        'name': 'events_over_limit', 'entity': 'events', 'severity': 'info',
        'failing': 'events_over_limit', 'total': 'events_total',
        'description': 'Events with more seats taken than their limit.',
    },
    {
        'name': 'waitlists_without_limit', 'entity': 'events', 'severity': 'info',
        'failing': 'events_waitlist_without_limit', 'total': 'events_total',
        'description': 'Events with a waitlist but no limit, which may have been removed.',
    },
    {
        'name': 'rsvps_after_start', 'entity': 'rsvps', 'severity': 'warn',
        'failing': 'answers_after_start', 'total': 'answers_total',
        'description': 'Answers given after the event had started. They count like any other.',
    },
    {
        'name': 'rsvps_before_event', 'entity': 'rsvps', 'severity': 'warn',
        'failing': 'answers_before_event', 'total': 'answers_total',
        'description': 'Answers given before the event was created. They count like any other.',
    },
    {
        'name': 'rsvps_with_many_guests', 'entity': 'rsvps', 'severity': 'info',
        'failing': 'answers_of_many_guests', 'total': 'answers_total',
        'description': 'Answers with more than 10 guests. They count as given; medians are not affected.',
    },
    {
        'name': 'memberships_before_group', 'entity': 'memberships', 'severity': 'warn',
        'failing': 'memberships_before_group', 'total': 'memberships_total',
        'description': 'Memberships that began before the group was founded.',
    },
    {
        'name': 'negative_numbers', 'entity': 'rsvps', 'severity': 'error',
        'failing': 'answers_negative', 'total': 'answers_total',
        'description': 'Answers with fewer than 0 guests or seats, which the schema forbids.',
    },
    {
        'name': 'rsvps_lost', 'entity': 'rsvps', 'severity': 'error',
        'failing': 'abs(answers_total - events_answers)', 'total': 'answers_total',
        'description': 'Difference between the answers in fct_rsvps and those counted in fct_events. Joins must not lose or duplicate rows.',
    },
    {
        'name': 'as_of_after_load', 'entity': 'all', 'severity': 'warn',
        'failing': 'clock_is_after_load', 'total': 'clock_total',
        'description': '1 if a moment in the data is after the last load. It is a wrong date, and as_of is the latest moment before the load.',
    },
] %}

with counted as (
    {%- for check in checks %}
        select
            '{{ check.name }}' as check_name,
            '{{ check.entity }}' as entity,
            '{{ check.severity }}' as severity,
            '{{ check.description }}' as description,
            cast({{ check.failing }} as bigint) as failing_count,
            cast({{ check.total }} as bigint) as total_count
        from {{ ref('int_quality_counts') }}
        {{- '\n        union all' if not loop.last }}
    {%- endfor %}
)

select
    check_name,
    entity,
    severity,
    failing_count,
    total_count,
    {{ safe_ratio('failing_count', 'total_count') }} as failing_share,
    description
from counted
