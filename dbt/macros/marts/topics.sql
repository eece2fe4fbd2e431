{# Whether enough happens on a topic in half a year, in several groups, none of which is most of it. #}
{% macro is_broad_topic(events, active_groups, largest_group_share) -%}
    coalesce(
        {{ events }} >= {{ var('rising_min_events') }}
        and {{ active_groups }} >= {{ var('rising_min_groups') }}
        and {{ largest_group_share }} <= {{ var('rising_max_group_share') }},
        false
    )
{%- endmacro %}

{# Whether a topic rises: it is broad, had a year before to rise from, and its share of seats grew while its events did not get fewer. #}
{% macro is_rising_topic(momentum, events, year_before_events, active_groups, largest_group_share) -%}
    coalesce(
        {{ is_broad_topic(events, active_groups, largest_group_share) }}
        and {{ year_before_events }} >= {{ var('rising_min_base_events') }}
        and {{ momentum }} >= {{ var('rising_momentum') }}
        and {{ events }} >= {{ year_before_events }},
        false
    )
{%- endmacro %}
