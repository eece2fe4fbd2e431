{#
    What an incremental model has to compute again. Its rows belong to scopes (groups, months), and a scope's rows follow from the state
    of what the model reads of it: `states` has a row per scope, with columns that differ as soon as anything differs from which the
    model computes. The model says in its meta:

        meta={'states': 'int_group_states', 'scope': 'group_id', 'state': ['events_state', 'members_state']}

    filters what it reads by `is_changed('group_id')`, and ends with the hook `remember_states()`, which keeps the states that its rows
    were made from, in the same transaction as the rows. A scope whose state is another one than was kept, or that came or went, is
    computed, compared and merged; all others are left alone. There is no high-water mark: a late drop, a repeated one and a run that
    was cut off need no case of their own.

    Only where rows and states change in one transaction can neither be newer than the other. Elsewhere (Delta) all scopes count as
    changed: the model computes everything, and merge_changed still writes only what differs.
#}

{# True of the scopes that have to be computed: all of them in a full build. #}
{% macro is_changed(scope, states='int_group_states') -%}
    {#- dbt finds out what a model depends on while parsing, when its meta can't be read yet. -#}
    {%- if not execute -%}{%- do ref(states) -%}{%- endif -%}
    {#- A unit test's model has no table, so `this` is none. -#}
    {%- if execute and this is not none and is_incremental() and scopes_are_known() -%}
        {{ scope }} in (select scope from {{ changed_scopes() }} as changed)
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}


{# The scopes whose state is not the one that the model's rows were made from: a subquery with the column `scope`. #}
{% macro changed_scopes() -%}
    {%- set meta = model.config.meta -%}
    (
        select coalesce(now.{{ meta.scope }}, seen.{{ meta.scope }}) as scope
        from {{ ref(meta.states) }} as now
        full outer join {{ seen_states() }} as seen on now.{{ meta.scope }} = seen.{{ meta.scope }}
        where
            now.{{ meta.scope }} is null
            or seen.{{ meta.scope }} is null
            {%- for column in meta.state %}
            or now.{{ column }} is distinct from seen.{{ column }}
            {%- endfor %}
    )
{%- endmacro %}


{# A hook: keeps the states that the model's rows were made from. #}
{% macro remember_states() -%}
    {{ return(adapter.dispatch('remember_states', 'meetup')()) }}
{%- endmacro %}

{% macro default__remember_states() -%}{%- endmacro %}

{% macro duckdb__remember_states() -%}
    {%- set meta = model.config.meta -%}
    {#- A hook is rendered while parsing, too, when there is no meta yet. -#}
    {%- if execute -%}
    create or replace table {{ seen_states() }} as
    select
        {{ meta.scope }},
        {{ meta.state | join(', ') }}
    from {{ ref(meta.states) }}
    {%- endif -%}
{%- endmacro %}


{% macro seen_states() -%}
    {%- set states = ref(model.config.meta.states) -%}
    {{ states.incorporate(path={'identifier': model.name ~ '__seen'}) }}
{%- endmacro %}


{# Whether the states were kept that the model's rows were made from. #}
{% macro scopes_are_known() -%}
    {{ return(adapter.dispatch('scopes_are_known', 'meetup')()) }}
{%- endmacro %}

{% macro default__scopes_are_known() -%}
    {{ return(false) }}
{%- endmacro %}

{% macro duckdb__scopes_are_known() -%}
    {%- set states = ref(model.config.meta.states) -%}
    {{ return(adapter.get_relation(states.database, states.schema, model.name ~ '__seen') is not none) }}
{%- endmacro %}
