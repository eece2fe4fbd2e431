{#
    Whether a group has gone quiet: it held an event once, but none in the lapsed_days (180) before a moment. A group that never held
    one has not lapsed, it has not begun.
#}
{% macro is_lapsed(last_event_at, moment) -%}
    coalesce({{ last_event_at }} < {{ dbt.dateadd('day', '-' ~ var('lapsed_days'), moment) }}, false)
{%- endmacro %}
