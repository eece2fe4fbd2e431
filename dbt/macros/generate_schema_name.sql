{#
    A model's schema is exactly the one its folder names, on every target: marts.fct_events is marts.fct_events. Variable
    schema_prefix puts the whole project aside, sources too: `meetup test --target rehearsal` runs there beside what is deployed.
#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{- var('schema_prefix', '') -}}{{- (custom_schema_name or target.schema) | trim -}}
{%- endmacro %}
