{% test not_after(model, column_name, day) %}
select {{ column_name }} from {{ model }} where {{ column_name }} > date '{{ day }}'
{% endtest %}
