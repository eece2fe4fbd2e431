{# a / b as a double; null if b is 0 or missing. #}
{% macro safe_ratio(numerator, denominator) -%}
    (cast({{ numerator }} as double) / nullif({{ denominator }}, 0))
{%- endmacro %}

{# A count as a bigint; 0 if a left join found nothing to count. #}
{% macro count_or_0(count) -%}
    coalesce(cast({{ count }} as bigint), 0)
{%- endmacro %}

{# Calendar days from one timestamp to another (int); null if one is missing. #}
{% macro days_between(start, end) -%}
    {#- On some engines, the difference between a date and null is an error, so a missing end is replaced first and excluded afterwards. -#}
    case
        when {{ start }} is not null and {{ end }} is not null
            then cast({{ dbt.datediff('cast(coalesce(' ~ start ~ ', ' ~ end ~ ') as date)', 'cast(coalesce(' ~ end ~ ', ' ~ start ~ ') as date)', 'day') }} as int)
    end
{%- endmacro %}

{# A coordinate, or null if latitude and longitude are both 0, which means unknown in the source. #}
{% macro known_coordinate(coordinate, latitude, longitude) -%}
    case when {{ latitude }} = 0 and {{ longitude }} = 0 then null else {{ coordinate }} end
{%- endmacro %}

{# The weekday of a date according to ISO 8601: 1 is Monday, 7 is Sunday. #}
{% macro iso_weekday(day) -%}
    cast(mod(dayofweek({{ day }}) - dayofweek(date '2023-01-01') + 6, 7) + 1 as int)
{%- endmacro %}
