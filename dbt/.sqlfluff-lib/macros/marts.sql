{# What macros/marts says, in a shape that sqlfluff can read without dbt. Only the form counts here, not the meaning. #}
{% macro is_lapsed(last_event_at, moment) %}coalesce({{ last_event_at }} < {{ moment }}, false){% endmacro %}
{% macro distance_km(from_latitude, from_longitude, to_latitude, to_longitude) %}sqrt({{ to_latitude }} - {{ to_longitude }}){% endmacro %}
{% macro is_sponsor_topic(topic_key) %}{{ topic_key }} in ('x'){% endmacro %}
{% macro saturated(measure, half) %}({{ measure }} / ({{ measure }} + {{ half }})){% endmacro %}
