{#
    Finds the scopes that an incremental model has to compute again. Its rows belong to scopes (groups, months), and a scope's rows depend
    on the scope's state: `states` has a row per scope, with columns that change whenever any input of the model changes. The model
    declares in its meta:

        meta={'states': 'int_group_states', 'scope': 'group_id', 'state': ['events_state', 'members_state']}

    filters its inputs by `is_changed('group_id')`, and has the hooks `prepare_states()` and `remember_states()`. The latter stores the
    states that its rows were built from, in the same transaction as the rows. Scopes that are new, gone or have another state than the
    stored one are computed, compared and merged; all others are skipped. There is no high-water mark, so late drops, repeated drops and
    interrupted runs are not special cases.

    This requires that rows and states change in one transaction, so that neither is newer than the other. Elsewhere (Delta), all scopes
    count as changed: the model computes everything, and merge_changed still only writes the differences.
#}

{# True for the scopes that have to be computed; in a full build, for all. #}
{% macro is_changed(scope, states='int_group_states') -%}
    {#- dbt determines dependencies while parsing, when the model's meta can't be read yet. -#}
    {%- if not execute -%}{%- do ref(states) -%}{%- endif -%}
    {#- The model of a unit test has no table, so `this` is none. -#}
    {%- if execute and this is not none and is_incremental() and has_scopes() -%}
        {{ scope }} in (select changed.scope from {{ changed_scopes() }} as changed)
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}


{#
    Like is_changed for scopes that are periods ('day' or 'month'), for the moment of the current row. It first leaves out what happened before
    all of them, which takes much less time than looking up the period of every row.
#}
{% macro is_changed_period(moment, period, states) -%}
    {%- set is_changed_one = is_changed("cast(date_trunc('" ~ period ~ "', " ~ moment ~ ") as date)", states) -%}
    {%- if is_changed_one != 'true' -%}
        {{ moment }} >= (select min(changed.scope) from {{ changed_scopes() }} as changed)
        and {{ is_changed_one }}
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}


{# The temporary table of the scopes whose state differs from the one that the model's rows were built from: `scope`, and its current state. #}
{% macro changed_scopes() -%}
    {{ this.identifier }}__changed
{%- endmacro %}


{#
    A hook before the model: finds the scopes that changed, once for all places that need them. Without any stored state, all scopes are
    computed.
#}
{% macro prepare_states() -%}
    {%- if execute and has_scopes() -%}
    {%- set meta = config.get('meta') -%}
    {{ 'create table if not exists' if is_incremental() else 'create or replace table' }} {{ seen_states() }} as
    {{ current_states() }}
    where false;
    create or replace temporary table {{ changed_scopes() }} as
    select
        coalesce(now.{{ meta.scope }}, seen.{{ meta.scope }}) as scope,
        now.{{ meta.scope }},
        now.{{ meta.state | join(', now.') }}
    from {{ ref(meta.states) }} as now
    full outer join {{ seen_states() }} as seen on now.{{ meta.scope }} = seen.{{ meta.scope }}
    where
        now.{{ meta.scope }} is null
        or seen.{{ meta.scope }} is null
        {%- for column in meta.state %}
        or now.{{ column }} is distinct from seen.{{ column }}
        {%- endfor %}
    {%- endif -%}
{%- endmacro %}

{# A hook after the model: stores the states that the model's rows were built from. #}
{% macro remember_states() -%}
    {#- Hooks are also rendered while parsing, when there is no meta yet. -#}
    {%- if execute and has_scopes() -%}
    {%- set meta = config.get('meta') -%}
    delete from {{ seen_states() }}
    where {{ meta.scope }} in (select changed.scope from {{ changed_scopes() }} as changed);
    insert into {{ seen_states() }} ({{ meta.scope }}, {{ meta.state | join(', ') }})
    select {{ meta.scope }}, {{ meta.state | join(', ') }}
    from {{ changed_scopes() }}
    where {{ meta.scope }} is not null;
    drop table {{ changed_scopes() }}
    {%- endif -%}
{%- endmacro %}

{% macro current_states() -%}
    {%- set meta = config.get('meta') -%}
    select
        {{ meta.scope }},
        {{ meta.state | join(', ') }}
    from {{ ref(meta.states) }}
{%- endmacro %}

{# The table of the states that the model's rows were built from. #}
{% macro seen_states() -%}
    {%- set states = ref(config.get('meta').states) -%}
    {{ states.incorporate(path={'identifier': this.identifier ~ '__seen'}) }}
{%- endmacro %}


{# Whether a table and its states can change in one transaction. #}
{% macro has_scopes() -%}
    {{ return(adapter.dispatch('has_scopes', 'meetup')()) }}
{%- endmacro %}

{% macro default__has_scopes() -%}
    {{ return(false) }}
{%- endmacro %}

{% macro duckdb__has_scopes() -%}
    {{ return(true) }}
{%- endmacro %}
