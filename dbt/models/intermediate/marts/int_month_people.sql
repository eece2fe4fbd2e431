{{
    config(
        materialized='incremental' if target.type == 'duckdb' else 'view',
        unique_key='month_start_on',
        meta={'states': 'int_month_states', 'scope': 'month_start_on', 'state': ['happened_state']},
        pre_hook='{{ prepare_states() }}',
        post_hook='{{ remember_states() }}',
    )
}}

with happened as (
    {{ activities('int_month_states', 'month') }}
)

select
    cast(date_trunc('month', happened_on) as date) as month_start_on,
    count(distinct user_id) as active_people,
    count(distinct case when kind = 'answer' then user_id end) as answering_people,
    count(distinct case when kind = 'attendance' then user_id end) as attending_people
from happened
group by all
