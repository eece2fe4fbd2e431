{#
    A model's schema is exactly the one configured for its folder, on every target: marts.fct_events is marts.fct_events. The variable
    schema_prefix moves the whole project, including sources: `meetup test --target rehearsal` uses it to run next to what is deployed.
#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{- var('schema_prefix', '') -}}{{- (custom_schema_name or target.schema) | trim -}}
{%- endmacro %}
