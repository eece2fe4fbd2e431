{#
    A surrogate key of strings, integers, booleans or dates: md5 over the parts, a missing part told from an empty one.
    Never of doubles: engines write them differently.
#}
{% macro surrogate_key(parts) -%}
    md5(concat_ws('|'
    {%- for part in parts -%}
        , coalesce(cast({{ part }} as string), '_null_')
    {%- endfor -%}
    ))
{%- endmacro %}


{#
    The place of a record among the versions of what `partition_by` names, 1 for the latest. The drop's date counts before the
    order of loading, so that an older drop that arrives late does not overwrite a newer one.
#}
{% macro version_rank(partition_by) -%}
    row_number() over (partition by {{ partition_by }} order by {{ version_order('desc') }})
{%- endmacro %}

{% macro version_order(direction='asc') -%}
    _dropped_on {{ direction }}, _batch_seq {{ direction }}, _record_index {{ direction }}, _source_file {{ direction }}
{%- endmacro %}


{#
    A column of the latest record that holds a list at all. A list that is missing was not told, unlike one that is empty; so the
    latest list that was told goes on counting. For a query whose window told_first is ordered by told_order.
#}
{% macro last_told(column) -%}
    first_value({{ column }}) over told_first
{%- endmacro %}

{% macro told_order(has_list) -%}
    {{ has_list }} desc, {{ version_order('desc') }}
{%- endmacro %}


{# The columns that say which raw record a row came from, separated by commas. Together they identify it. #}
{% macro record_columns(relation=none) -%}
    {%- set prefix = relation ~ '.' if relation else '' -%}
    {{ prefix }}_batch_seq, {{ prefix }}_source_file, {{ prefix }}_record_index
{%- endmacro %}

{# True where two relations' rows came from the same raw record. #}
{% macro is_same_record(left, right) -%}
    {{ left }}._batch_seq = {{ right }}._batch_seq
    and {{ left }}._source_file = {{ right }}._source_file
    and {{ left }}._record_index = {{ right }}._record_index
{%- endmacro %}
