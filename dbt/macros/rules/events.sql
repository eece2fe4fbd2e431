{# How many seats an answer asks for: the member and their guests on yes and on waitlist, none on no. #}
{% macro seats(response, guests) -%}
    case when {{ response }} in ('yes', 'waitlist') then 1 + {{ guests }} else 0 end
{%- endmacro %}

{# Whether a status says that the event was called off. A missing status does not. #}
{% macro is_cancelled(status) -%}
    coalesce(lower({{ status }}) in ('cancelled', 'canceled'), false)
{%- endmacro %}

{# Whether an event took place: it lies before as_of and was not called off. Its status does not say 'past' reliably. #}
{% macro is_held(starts_at, is_cancelled, as_of) -%}
    ({{ starts_at }} < {{ as_of }} and not {{ is_cancelled }})
{%- endmacro %}
