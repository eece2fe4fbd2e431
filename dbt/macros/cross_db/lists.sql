{#
    For use after a table in `from`: one row per item of a list, available as `<item>`; no row for an empty or missing list.
        from events {{ unnest_list('events.rsvps', 'rsvp') }}
#}
{% macro unnest_list(list, item) -%}
    {{ return(adapter.dispatch('unnest_list', 'meetup')(list, item)) }}
{%- endmacro %}

{% macro default__unnest_list(list, item) -%}
    lateral view explode({{ list }}) {{ item }}_items as {{ item }}
{%- endmacro %}

{% macro duckdb__unnest_list(list, item) -%}
    cross join unnest({{ list }}) as {{ item }}_items({{ item }})
{%- endmacro %}


{# Like unnest_list, with the item's position as `<item>_offset`. Only the order is meaningful: engines count from 0 or from 1. #}
{% macro unnest_list_with_offset(list, item) -%}
    {{ return(adapter.dispatch('unnest_list_with_offset', 'meetup')(list, item)) }}
{%- endmacro %}

{% macro default__unnest_list_with_offset(list, item) -%}
    lateral view posexplode({{ list }}) {{ item }}_items as {{ item }}_offset, {{ item }}
{%- endmacro %}

{% macro duckdb__unnest_list_with_offset(list, item) -%}
    {#- Four times as fast as `with ordinality` (DuckDB 1.5). -#}
    cross join lateral (
        select
            unnest({{ list }}) as {{ item }},
            generate_subscripts({{ list }}, 1) as {{ item }}_offset
    ) as {{ item }}_items
{%- endmacro %}


{# The number of items in a list; 0 if the list is missing. #}
{% macro list_length(list) -%}
    {{ return(adapter.dispatch('list_length', 'meetup')(list)) }}
{%- endmacro %}

{% macro default__list_length(list) -%}
    case when {{ list }} is null then 0 else size({{ list }}) end
{%- endmacro %}

{% macro duckdb__list_length(list) -%}
    coalesce(cast(len({{ list }}) as int), 0)
{%- endmacro %}


{# A list of strings as one text, sorted and separated by ', '. Null if the list is missing. #}
{% macro list_to_text(list) -%}
    {{ return(adapter.dispatch('list_to_text', 'meetup')(list)) }}
{%- endmacro %}

{% macro default__list_to_text(list) -%}
    array_join(array_sort({{ list }}), ', ')
{%- endmacro %}

{% macro duckdb__list_to_text(list) -%}
    {#- DuckDB returns null for a list of nulls. -#}
    case when {{ list }} is not null then coalesce(array_to_string(list_sort({{ list }}), ', '), '') end
{%- endmacro %}


{# An aggregate: the group's values as one text, sorted and separated. Nulls are left out. #}
{% macro joined_text(value, separator=', ') -%}
    {{ return(adapter.dispatch('joined_text', 'meetup')(value, separator)) }}
{%- endmacro %}

{% macro default__joined_text(value, separator) -%}
    nullif(array_join(sort_array(collect_list({{ value }})), '{{ separator }}'), '')
{%- endmacro %}

{% macro duckdb__joined_text(value, separator) -%}
    nullif(string_agg({{ value }}, '{{ separator }}' order by {{ value }}), '')
{%- endmacro %}


{#
    An aggregate, with `where` only of some rows, or with `over` a window function: a text that differs as soon as any of the rows differs in
    these columns, whatever their order. For one engine only.
#}
{% macro rows_digest(columns, over='', where='') -%}
    {%- set suffix = 'over ' ~ over if over else 'filter (where ' ~ where ~ ')' if where else '' -%}
    {{ return(adapter.dispatch('rows_digest', 'meetup')(columns, suffix)) }}
{%- endmacro %}

{% macro default__rows_digest(columns, suffix) -%}
    {#- As JSON, because Spark's hash of a struct skips nulls. A sum, because equal rows cancel each other out in `bit_xor`. -#}
    concat_ws(
        '|',
        cast(count(*) {{ suffix }} as string),
        cast(sum(cast(xxhash64(to_json(struct({{ columns | join(', ') }}))) as decimal(38, 0))) {{ suffix }} as string)
    )
{%- endmacro %}

{% macro duckdb__rows_digest(columns, suffix) -%}
    concat_ws('|', count(*) {{ suffix }}, sum(hash({{ columns | join(', ') }})) {{ suffix }})
{%- endmacro %}
