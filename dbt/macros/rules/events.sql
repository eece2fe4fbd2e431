{# The number of seats that an answer requests: the member and their guests for yes and waitlist, none for no. #}
{% macro seats(response, guests) -%}
    case when {{ response }} in ('yes', 'waitlist') then 1 + {{ guests }} else 0 end
{%- endmacro %}

{# Whether a status means that the event was called off. A missing status doesn't. #}
{% macro is_cancelled(status) -%}
    coalesce(lower({{ status }}) in ('cancelled', 'canceled'), false)
{%- endmacro %}

{# Whether a status means that the event was never announced. A missing status doesn't. #}
{% macro is_draft(status) -%}
    coalesce(lower({{ status }}) in ('draft', 'proposed', 'suggested'), false)
{%- endmacro %}

{#
    Whether an event took place: it was announced, starts before as_of, was not called off and had not vanished before it started. The
    status 'past' isn't reliable.
#}
{% macro is_held(starts_at, is_cancelled, is_draft, gone_at, as_of) -%}
    ({{ starts_at }} < {{ as_of }} and not {{ is_cancelled }} and not {{ is_draft }} and coalesce({{ starts_at }} < {{ gone_at }}, true))
{%- endmacro %}

{# Whether an event is still to come: it was announced, starts at as_of or later, was not called off and has not vanished. #}
{% macro is_upcoming(starts_at, is_cancelled, is_draft, gone_at, as_of) -%}
    ({{ starts_at }} >= {{ as_of }} and not {{ is_cancelled }} and not {{ is_draft }} and {{ gone_at }} is null)
{%- endmacro %}

{# The place of an answer among those of the same member in a list, 1 for the one that counts: the latest, at the same moment the one further down. #}
{% macro answer_rank(partition_by, rsvps) -%}
    row_number() over (
        partition by {{ partition_by }}, {{ rsvps }}.user_id
        order by {{ rsvps }}.responded_ms desc, {{ rsvps }}.rsvp_offset desc
    )
{%- endmacro %}
