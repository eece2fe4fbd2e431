{% macro generate_schema_name(custom_schema_name, node) -%}
    shop_{{ custom_schema_name or 'base' }}
{%- endmacro %}
