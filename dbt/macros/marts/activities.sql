{#
    The only definition of what counts as activity up to as_of: a row per joining, answer, attendance and held event, as a subquery's text.
    `states`: only periods ('day' or 'month') whose state in this model changed (macro is_changed).
#}
{% macro activities(states=none, period='day') -%}
    {%- for kind, model, moment, seats in [
        ('joining', 'int_memberships_as_of', 'joined_at', 'cast(0 as bigint)'),
        ('answer', 'int_answers_as_of', 'responded_at', 'cast(0 as bigint)'),
        ('attendance', 'int_attendances', 'attended_at', 'cast(0 as bigint)'),
        ('event', 'fct_events', 'starts_at', 'yes_seats'),
    ] -%}
    select
        cast({{ moment }} as date) as happened_on,
        {{ 'cast(null as bigint) as ' if kind == 'event' }}user_id,
        '{{ kind }}' as kind,
        {{ seats }} as seats
    from {{ ref(model) }}
    where
        {{ 'is_held' if kind == 'event' else 'true' }}
        {%- if states %} and {{ is_changed_period(moment, period, states) }}{% endif %}
    {{ 'union all' if not loop.last }}
    {% endfor %}
{%- endmacro %}
