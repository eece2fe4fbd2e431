{# Whether a topic is broad: enough events in half a year, in several groups, none of which dominates. #}
{% macro is_broad_topic(events, active_groups, largest_group_share) -%}
    coalesce(
        {{ events }} >= {{ var('rising_min_events') }}
        and {{ active_groups }} >= {{ var('rising_min_groups') }}
        and {{ largest_group_share }} <= {{ var('rising_max_group_share') }},
        false
    )
{%- endmacro %}

{# Whether a topic is rising: it is broad, existed a year earlier, and its share of seats grew without fewer events. #}
{% macro is_rising_topic(momentum, events, year_before_events, active_groups, largest_group_share) -%}
    coalesce(
        {{ is_broad_topic(events, active_groups, largest_group_share) }}
        and {{ year_before_events }} >= {{ var('rising_min_base_events') }}
        and {{ momentum }} >= {{ var('rising_momentum') }}
        and {{ events }} >= {{ year_before_events }},
        false
    )
{%- endmacro %}
