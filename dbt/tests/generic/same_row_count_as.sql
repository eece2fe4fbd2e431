{#
    Fails if the model has another number of rows than a relation, or than that has distinct values of `distinct_columns`: no rows may
    be lost or duplicated.
#}
{% test same_row_count_as(model, other, distinct_columns=none, other_where=none) %}
with counted as (
    select
        (select count(*) from {{ model }}) as row_count,
        (
            select count(*)
            from (
                select {{ 'distinct ' ~ (distinct_columns | join(', ')) if distinct_columns else '1 as one' }}
                from {{ other }}
                {%- if other_where %}
                where {{ other_where }}
                {%- endif %}
            ) as other_rows
        ) as other_count
)

select *
from counted
where row_count <> other_count
{% endtest %}
