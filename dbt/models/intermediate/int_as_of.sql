{{ config(materialized='table') }}

with moments as (
    select max(created_at) as latest_at from {{ ref('int_groups_latest') }}
    union all
    select max(created_at) from {{ ref('int_events_latest') }}
    union all
    select max(responded_at) from {{ ref('fct_rsvps') }}
    union all
    select max(joined_at) from {{ ref('fct_memberships') }}
)

select
    {% if var('as_of', none) is not none -%}
        cast('{{ var("as_of") }}' as timestamp) as as_of,
    {%- else -%}
        coalesce(max(latest_at), cast('1970-01-01 00:00:00' as timestamp)) as as_of,
    {%- endif %}
    max(latest_at) as latest_at
from moments
