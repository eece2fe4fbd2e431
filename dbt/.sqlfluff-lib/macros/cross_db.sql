{# What macros/cross_db dispatches to, in a shape that sqlfluff can read without dbt. Only the form counts here, not the meaning. #}
{% macro epoch_ms_to_utc(epoch_ms) %}epoch_ms({{ epoch_ms }}){% endmacro %}
{% macro epoch_ms_to_local(epoch_ms) %}epoch_ms({{ epoch_ms }}){% endmacro %}
{% macro unnest_list(list, item) %}cross join unnest({{ list }}) as {{ item }}_items({{ item }}){% endmacro %}
{% macro unnest_list_with_offset(list, item) %}cross join unnest({{ list }}) as {{ item }}_items({{ item }}, {{ item }}_offset){% endmacro %}
{% macro list_length(list) %}len({{ list }}){% endmacro %}
{% macro list_to_text(list) %}list_text({{ list }}){% endmacro %}
{% macro joined_text(value, separator=', ') %}text_list({{ value }}){% endmacro %}
