{# Fails, and returns the actual share, if more than `share` of the rows satisfy the condition. #}
{% test share_at_most(model, condition, share) %}
select
    count(*) as row_count,
    count_if({{ condition }}) as matching_count
from {{ model }}
having count_if({{ condition }}) > {{ share }} * count(*)
{% endtest %}
