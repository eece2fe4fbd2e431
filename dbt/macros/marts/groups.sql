{#
    Whether a group has lapsed: it has held an event, but none in the lapsed_days (180) before a moment. A group that never held one
    has not started yet rather than lapsed.
#}
{% macro is_lapsed(last_event_at, moment) -%}
    coalesce({{ last_event_at }} < {{ dbt.dateadd('day', '-' ~ var('lapsed_days'), moment) }}, false)
{%- endmacro %}
