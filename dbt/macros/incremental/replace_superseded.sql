{#
    Incremental strategy for facts whose rows come from the nested list of a raw record, where a newer version of the record replaces
    the older one, including its list.

    The model selects the rows of records that its table doesn't have yet. This strategy also deletes rows whose record is no longer the
    current one, even if nothing replaces them (an event whose answers have all vanished). One merge does both, so that readers see the
    table either before or after, on Delta too, and an interrupted run can simply be repeated.

    The model's meta has `current_records`, the model with one row per current record, and `record_of`, the entity of the record.
#}
{% macro get_incremental_replace_superseded_sql(arg_dict) %}
    {%- set target_relation = arg_dict['target_relation'] -%}
    {%- set key = arg_dict['unique_key'] -%}
    {%- set current_records = ref(config.get('meta')['current_records']) -%}
    {%- set record_of = config.get('meta')['record_of'] -%}
    {%- set columns = adapter.get_columns_in_relation(target_relation) | map(attribute='name') | list -%}

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
            where not exists (
                select 1
                from {{ current_records }} as latest
                where latest.{{ record_of }} = older.{{ record_of }}
                    and {{ is_same_record('latest', 'older') }}
            )
        ) as superseded on fresh.{{ key }} = superseded.{{ key }}
    ) as changed
    on held.{{ key }} = changed.merge_key
    {{ merge_actions(columns) }}
{% endmacro %}
