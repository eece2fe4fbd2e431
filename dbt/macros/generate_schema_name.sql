{# A model's schema is exactly the one configured for its folder, on every target: marts.fct_events is marts.fct_events. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{- (custom_schema_name or target.schema) | trim -}}
{%- endmacro %}
