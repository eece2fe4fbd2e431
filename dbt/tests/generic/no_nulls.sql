{# Fails for each row that lacks one of the columns: one scan where not_null would take one for each column. #}
{% test no_nulls(model, columns) %}
select *
from {{ model }}
where
    {%- for column in columns %}
    {{ adapter.quote(column) }} is null{{ ' or' if not loop.last }}
    {%- endfor %}
{% endtest %}
