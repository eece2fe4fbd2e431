{# The great-circle distance in kilometres between two points in degrees; null if a coordinate is missing. #}
{% macro distance_km(from_latitude, from_longitude, to_latitude, to_longitude) -%}
    {#- Limited to 1 under the root because of rounding errors. Nulls are handled first because least() ignores them. -#}
    case
        when {{ to_latitude }} is not null and {{ to_longitude }} is not null
            then 2 * 6371 * asin(least(cast(1 as double), sqrt(
                power(sin(radians({{ to_latitude }} - ({{ from_latitude }})) / 2), 2)
                + cos(radians({{ from_latitude }})) * cos(radians({{ to_latitude }}))
                * power(sin(radians({{ to_longitude }} - ({{ from_longitude }})) / 2), 2)
            )))
    end
{%- endmacro %}

{#
    The project's sponsors from the variable sponsors, validated and with defaults: a list of dicts, so that models and tests read the
    same form.
#}
{% macro sponsor_list() -%}
    {%- set weights = {'audience': 25, 'attendance': 20, 'cadence': 15, 'growth': 10, 'fill': 10, 'proximity': 10, 'topics': 10} -%}
    {%- set sponsors = [] -%}
    {%- for given in var('sponsors') -%}
        {%- set sponsor = {'name': given.id, 'half_distance_km': 25, 'topics': []} -%}
        {%- do sponsor.update(given) -%}
        {%- do sponsor.update({'weights': dict(weights, **given.get('weights', {}))}) -%}
        {%- if not sponsor.id or sponsors | selectattr('id', 'equalto', sponsor.id) | list -%}
            {{ exceptions.raise_compiler_error("Each sponsor in variable sponsors needs a unique id; '" ~ sponsor.id ~ "' is missing or not unique.") }}
        {%- endif -%}
        {%- if "'" in sponsor.id ~ sponsor.name or '\\' in sponsor.id ~ sponsor.name -%}
            {{ exceptions.raise_compiler_error('The id and name of sponsor ' ~ sponsor.id ~ ' must not contain quotes or backslashes.') }}
        {%- endif -%}
        {%- if sponsor.weights | length != 7 or sponsor.weights.values() | sum != 100 or sponsor.weights.values() | min < 0 -%}
            {{ exceptions.raise_compiler_error('The weights of sponsor ' ~ sponsor.id ~ ' must be for ' ~ weights | join(', ') ~ ', at least 0, and add up to 100.') }}
        {%- endif -%}
        {%- do sponsors.append(sponsor) -%}
    {%- endfor -%}
    {%- if not sponsors -%}
        {{ exceptions.raise_compiler_error('Variable sponsors is empty; the scorecard needs at least one sponsor.') }}
    {%- endif -%}
    {{ return(sponsors) }}
{%- endmacro %}

{# A query that returns the sponsors as rows. #}
{% macro sponsor_rows() -%}
    {%- for sponsor in sponsor_list() %}
    select
        '{{ sponsor.id }}' as sponsor_id,
        '{{ sponsor.name }}' as sponsor_name,
        cast({{ sponsor.office_latitude }} as double) as office_latitude,
        cast({{ sponsor.office_longitude }} as double) as office_longitude,
        cast({{ sponsor.half_distance_km }} as double) as half_distance_km,
        cast({{ sponsor.topics | length }} as bigint) as asked_topics,
        {%- for part, weight in sponsor.weights.items() %}
        cast({{ weight }} as double) as {{ part }}_weight{{ ',' if not loop.last }}
        {%- endfor %}
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{#
    A query that returns the topics that sponsors ask for. By key, so that no name has to be quoted and case doesn't matter.
#}
{% macro sponsor_topic_rows() -%}
    {%- for sponsor in sponsor_list() %}
        {%- for topic in sponsor.topics %}
    select
        '{{ sponsor.id }}' as sponsor_id,
        '{{ local_md5(topic | trim | replace('\u0130', 'i') | lower | replace('\u03c2', '\u03c3')) }}' as topic_key
    union all
        {%- endfor %}
    {%- endfor %}
    select
        cast(null as string) as sponsor_id,
        cast(null as string) as topic_key
    where 1 = 0
{%- endmacro %}

{# Maps an unbounded measure to a share of 1: `half` gives 0.5, twice `half` gives 0.67. #}
{% macro saturated(measure, half) -%}
    ({{ measure }} / ({{ measure }} + cast({{ half }} as double)))
{%- endmacro %}
