{# A property of a JSON object given as text, as text. Null if the text is not an object or has no such property. #}
{% macro json_property(json, property) -%}
    {{ return(adapter.dispatch('json_property', 'meetup')(json, property)) }}
{%- endmacro %}

{% macro default__json_property(json, property) -%}
    get_json_object({{ json }}, '$.{{ property }}')
{%- endmacro %}

{% macro duckdb__json_property(json, property) -%}
    try(json_extract_string({{ json }}, '$.{{ property }}'))
{%- endmacro %}
