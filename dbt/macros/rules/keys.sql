{#
    A surrogate key of strings, integers, booleans or dates: the md5 of the parts, with missing and empty parts distinguished.
    Never use doubles, which engines format differently.
#}
{% macro surrogate_key(parts) -%}
    md5(concat_ws('|'
    {%- for part in parts -%}
        , coalesce(cast({{ part }} as string), '_null_')
    {%- endfor -%}
    ))
{%- endmacro %}


{#
    The rank of a record among the versions with the same `partition_by`, 1 for the latest. The drop's date takes precedence over the
    order of loading, so that an older drop that arrives late doesn't override a newer one.
#}
{% macro version_rank(partition_by) -%}
    row_number() over (partition by {{ partition_by }} order by {{ version_order('desc') }})
{%- endmacro %}

{% macro version_order(direction='asc') -%}
    _dropped_on {{ direction }}, _batch_seq {{ direction }}, _record_index {{ direction }}, _source_file {{ direction }}
{%- endmacro %}


{#
    A column of the latest record that has the list. A missing list is unknown, unlike an empty one, so the latest known list remains
    valid. For a query with a window known_first that is ordered by known_order.
#}
{% macro latest_known(column) -%}
    first_value({{ column }}) over known_first
{%- endmacro %}

{% macro known_order(has_list) -%}
    {{ has_list }} desc, {{ version_order('desc') }}
{%- endmacro %}


{# The columns that together identify the raw record of a row, separated by commas. #}
{% macro record_columns(relation=none) -%}
    {%- set prefix = relation ~ '.' if relation else '' -%}
    {{ prefix }}_batch_seq, {{ prefix }}_source_file, {{ prefix }}_record_index
{%- endmacro %}

{# True if rows of two relations come from the same raw record. #}
{% macro is_same_record(left, right) -%}
    {{ left }}._batch_seq = {{ right }}._batch_seq
    and {{ left }}._source_file = {{ right }}._source_file
    and {{ left }}._record_index = {{ right }}._record_index
{%- endmacro %}
