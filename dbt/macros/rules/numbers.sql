{# a / b as a double; null where b is 0 or missing. #}
{% macro safe_ratio(numerator, denominator) -%}
    (cast({{ numerator }} as double) / nullif({{ denominator }}, 0))
{%- endmacro %}

{# A coordinate, or null where latitude and longitude are both 0, which stands for unknown in the source. #}
{% macro known_coordinate(coordinate, latitude, longitude) -%}
    case when {{ latitude }} = 0 and {{ longitude }} = 0 then null else {{ coordinate }} end
{%- endmacro %}

{# Weekday of a date after ISO 8601: 1 is Monday, 7 is Sunday. #}
{% macro iso_weekday(day) -%}
    cast(mod(dayofweek({{ day }}) - dayofweek(date '2023-01-01') + 6, 7) + 1 as int)
{%- endmacro %}
