{#
    When a record vanished: a complete drop lacked it, and no later drop had it. Null if it is still there. For a query that joins
    int_gone_after twice: `seen` is the batch of its latest record, `rejected` the last one in which a record with its key was
    rejected, because a rejected record was there too.
#}
{% macro gone_at(seen='seen', rejected='rejected') -%}
    case
        when {{ rejected }}.batch_number > {{ seen }}.batch_number then {{ rejected }}.gone_at
        else {{ seen }}.gone_at
    end
{%- endmacro %}

{# The columns that identify a record in its source, as one text, to compare records with rejected ones. #}
{% macro source_key(columns) -%}
    concat_ws('|'
    {%- for column in columns -%}
        , cast({{ column }} as string)
    {%- endfor -%}
    )
{%- endmacro %}

{# A whole number in a rejected record, which may also be given as a text; null if it can't be read. #}
{% macro rejected_number(property) -%}
    {#- Numbers of 19 digits may be too large for a bigint. -#}
    try_cast(nullif(regexp_extract({{ json_property('record', property) }}, '^-?[0-9]{1,18}$', 0), '') as bigint)
{%- endmacro %}
