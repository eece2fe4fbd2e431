{#
    The versions of an entity from all of its records: a query with one row per `key` and version. A version begins with the first drop that
    contains the key, or in which one of these attributes differs from before. Of several records in one drop, the last one counts. The
    result depends only on the records, so the order of loading and of builds doesn't matter.

    A version is valid from `valid_from_on` (null: the first dump, which has no date) until before `valid_to_on` (null: it is still valid).
#}
{% macro versions_of(records, key, attributes) -%}
    with ranked as (
        select
            *,
            row_number() over (
                partition by {{ key }}, _dropped_on, _batch_seq
                order by {{ version_order('desc') }}
            ) as rank_in_drop
        from {{ records }}
    ),

    compared as (
        select
            *,
            row_number() over versions = 1 as is_first,
            concat_ws(
                ', '
                {%- for attribute in attributes -%}
                , case when {{ attribute }} is distinct from lag({{ attribute }}) over versions then '{{ attribute }}' end
                {%- endfor -%}
            ) as differing
        from ranked
        where rank_in_drop = 1
        window versions as (partition by {{ key }} order by _dropped_on, _batch_seq)
    )

    select
        {{ key }},
        cast(row_number() over versions as int) as version_number,
        {%- for attribute in attributes %}
        {{ attribute }},
        {%- endfor %}
        case when not is_first then differing end as changed_columns,
        case when _dropped_on > date '1970-01-01' then _dropped_on end as valid_from_on,
        lead(_dropped_on) over versions as valid_to_on,
        lead(_dropped_on) over versions is null as is_current,
        _batch_seq
    from compared
    where is_first or differing <> ''
    window versions as (partition by {{ key }} order by _dropped_on, _batch_seq)
{%- endmacro %}
