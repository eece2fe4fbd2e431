{#
    Incremental strategy for models that compute all of their rows, or all rows of the scopes that changed (see is_changed): one merge
    writes the rows that are new or different, and deletes those that the model no longer returns. Unchanged rows are not touched, so only
    changes are written, and every row is what a full refresh would produce. An interrupted run can simply be repeated.

    `unique_key` is a column or a list of columns that are never null.
#}
{% macro get_incremental_merge_changed_sql(arg_dict) %}
    {%- set target_relation = arg_dict['target_relation'] -%}
    {%- set keys = [arg_dict['unique_key']] if arg_dict['unique_key'] is string else arg_dict['unique_key'] -%}
    {%- set is_scoped = 'states' in config.get('meta', {}) -%}
    {%- set columns = adapter.get_columns_in_relation(target_relation) | map(attribute='name') | map('lower') | list -%}

    merge into {{ target_relation }} as held
    using (
        select
            {%- for key in keys %}
            coalesce(fresh.{{ key }}, known.{{ key }}) as merge_{{ key }},
            {%- endfor %}
            fresh.{{ keys[0] }} is null as is_superseded,
            fresh.*
        from {{ arg_dict['temp_relation'] }} as fresh
        full outer join (
            select *
            from {{ target_relation }}
            {%- if is_scoped and has_scopes() %}
            where {{ config.get('meta').scope }} in (select changed.scope from {{ changed_scopes() }} as changed)
            {%- endif %}
        ) as known
            on {% for key in keys %}fresh.{{ key }} = known.{{ key }}{{ ' and ' if not loop.last }}{% endfor %}
        where fresh.{{ keys[0] }} is null
            or known.{{ keys[0] }} is null
            {%- for column in columns if column not in keys %}
            or fresh.{{ column }} is distinct from known.{{ column }}
            {%- endfor %}
    ) as changed
    on {% for key in keys %}held.{{ key }} = changed.merge_{{ key }}{{ ' and ' if not loop.last }}{% endfor %}
    {{ merge_actions(columns) }}
{% endmacro %}


{# The actions of a merge for a row of `changed`: delete the row in `held` if is_superseded, else write all of these columns. #}
{% macro merge_actions(columns) -%}
    when matched and changed.is_superseded then delete
    when matched then update set
        {%- for column in columns %}
        {{ column }} = changed.{{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    when not matched then insert ({{ columns | join(', ') }})
    values (
        {%- for column in columns -%}
            changed.{{ column }}{{ ', ' if not loop.last }}
        {%- endfor -%}
    )
{%- endmacro %}
