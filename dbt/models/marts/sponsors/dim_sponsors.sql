with sponsors as (
    {{ sponsor_rows() }}
)

select * from sponsors
