{# Fails for each row for which the expression is false or unknown. #}
{% test holds_for_every_row(model, expression) %}
select *
from {{ model }}
where not coalesce({{ expression }}, false)
{% endtest %}
