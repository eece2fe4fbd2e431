{{ config(materialized='table') }}

-- A date after the load is wrong. It stays in the facts, but doesn't count as the present.
with moments as (
    {%- for moment, model in [
        ('created_at', 'int_groups_latest'),
        ('created_at', 'int_events_latest'),
        ('responded_at', 'fct_rsvps'),
        ('joined_at', 'fct_memberships'),
    ] %}
        select
            max({{ moment }}) as latest_at,
            max(case when {{ moment }} <= believable_until then {{ moment }} end) as believable_at
        from {{ ref(model) }}
        cross join {{ ref('int_last_load') }}
        {{- '\n        union all' if not loop.last }}
    {%- endfor %}
)

select
    {% if var('as_of', none) is not none -%}
        cast('{{ var("as_of") }}' as timestamp) as as_of,
    {%- else -%}
        coalesce(max(believable_at), cast('1970-01-01 00:00:00' as timestamp)) as as_of,
    {%- endif %}
    max(latest_at) as latest_at
from moments
