{# Great-circle distance in kilometres between two points in degrees; null where a coordinate is missing. #}
{% macro distance_km(from_latitude, from_longitude, to_latitude, to_longitude) -%}
    {#- No more than 1 under the root, which rounding could reach; least() ignores a null, so that is asked first. -#}
    case
        when {{ to_latitude }} is not null and {{ to_longitude }} is not null
            then 2 * 6371 * asin(least(cast(1 as double), sqrt(
                power(sin(radians({{ to_latitude }} - ({{ from_latitude }})) / 2), 2)
                + cos(radians({{ from_latitude }})) * cos(radians({{ to_latitude }}))
                * power(sin(radians({{ to_longitude }} - ({{ from_longitude }})) / 2), 2)
            )))
    end
{%- endmacro %}

{#
    Whether a topic is one of those the sponsor asks for, in variable sponsor_topics; every topic is where it asks for none. Compared
    by key, so that no name has to be quoted, and in any spelling of case.
#}
{% macro is_sponsor_topic(topic_key) -%}
    {%- set topics = var('sponsor_topics') -%}
    {%- if topics -%}
        {{ topic_key }} in (
        {%- for topic in topics -%}
            '{{ local_md5(topic | lower) }}'{{ ', ' if not loop.last }}
        {%- endfor -%}
        )
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{# A measure without an upper end as a share of 1: `half` of it gives 0.5, twice `half` gives 0.67. #}
{% macro saturated(measure, half) -%}
    ({{ measure }} / ({{ measure }} + cast({{ half }} as double)))
{%- endmacro %}
