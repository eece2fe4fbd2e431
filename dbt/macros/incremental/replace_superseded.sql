{#
    Incremental strategy for facts whose rows come from the nested list of a raw record, where a newer version of the record replaces
    the older one, including its list.

    The model selects the rows of records that its table doesn't have yet. This strategy also deletes rows whose record is no longer the
    current one, even if nothing replaces them (an event whose answers have all vanished). Readers see the table either
    before or after both, and an interrupted run can simply be repeated: where a table and its states can change in one transaction, both are
    part of it; elsewhere (Delta), one merge does both.

    The model's meta has `states`, the model with one row per current record, `scope`, the entity of the record, and `state`, the columns that
    identify the record. Where a table and its states can change in one transaction, the records that the rows come from are stored as states
    (see is_changed), which takes less time than looking for them in the rows.
#}
{% macro get_incremental_replace_superseded_sql(arg_dict) %}
    {%- set target_relation = arg_dict['target_relation'] -%}
    {%- set key = arg_dict['unique_key'] -%}
    {%- set meta = config.get('meta') -%}
    {%- set columns = adapter.get_columns_in_relation(target_relation) | map(attribute='name') | list -%}

    {%- if has_scopes() -%}
        {#-
            A merge would look for the same rows three times, and DuckDB updates in place: for a few rows in each part of a table, it then
            writes nearly all of it.
        -#}
        {%- call statement('replaced', auto_begin=true) -%}
            delete from {{ target_relation }} as older
            where {{ is_superseded('older', meta.states) }}
        {%- endcall %}
    insert into {{ target_relation }} ({{ columns | join(', ') }})
    select {{ columns | join(', ') }}
    from {{ arg_dict['temp_relation'] }}
    {%- else %}
    merge into {{ target_relation }} as held
    using (
        select
            coalesce(fresh.{{ key }}, superseded.{{ key }}) as merge_key,
            fresh.{{ key }} is null as is_superseded,
            fresh.*
        from {{ arg_dict['temp_relation'] }} as fresh
        full outer join (
            select older.{{ key }}
            from {{ target_relation }} as older
            where {{ is_superseded('older', meta.states) }}
        ) as superseded on fresh.{{ key }} = superseded.{{ key }}
    ) as changed
    on held.{{ key }} = changed.merge_key
    {{ merge_actions(columns) }}
    {%- endif %}
{% endmacro %}


{# True for the rows of the model's table whose record is no longer the current one of its entity. #}
{% macro is_superseded(older, states) -%}
    {%- set scope = config.get('meta').scope -%}
    {%- if has_scopes() -%}
            {{ older }}.{{ scope }} in (select changed.scope from {{ changed_scopes() }} as changed)
    {%- else -%}
            not exists (
                select 1
                from {{ ref(states) }} as latest
                where latest.{{ scope }} = {{ older }}.{{ scope }}
                    and {{ is_same_record('latest', older) }}
            )
    {%- endif -%}
{%- endmacro %}


{# True for the current records that the model's table has no rows of; in a full build, for all. #}
{% macro is_new_record(latest, scope, states) -%}
    {#- In a unit test, `this` is none, or the rows of an input without a name. -#}
    {%- if this is none or not is_incremental() or (this.identifier and has_scopes()) -%}
        {{ is_changed(latest ~ '.' ~ scope, states) }}
    {%- else -%}
        not exists (
            select 1
            from {{ this }} as known
            where
                known.{{ scope }} = {{ latest }}.{{ scope }}
                and {{ is_same_record('known', latest) }}
        )
    {%- endif -%}
{%- endmacro %}
