{% snapshot visits_snapshot %}
{{ config(unique_key='visit_id', strategy='check', check_cols='all', target_schema='history') }}
select * from {{ ref('visits') }}
{% endsnapshot %}
