{{ config(unique_key='sponsor_id') }}

with sponsors as (
    {{ sponsor_rows() }}
)

select * from sponsors
