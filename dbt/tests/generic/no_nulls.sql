{# Fails for each row with a null in one of the columns. Needs one scan, while not_null needs one per column. #}
{% test no_nulls(model, columns) %}
select *
from {{ model }}
where
    {%- for column in columns %}
    {{ adapter.quote(column) }} is null{{ ' or' if not loop.last }}
    {%- endfor %}
{% endtest %}
