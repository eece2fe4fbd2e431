{# Great-circle distance in kilometres between two points in degrees; null where a coordinate is missing. #}
{% macro distance_km(from_latitude, from_longitude, to_latitude, to_longitude) -%}
    {#- No more than 1 under the root, which rounding could reach; least() ignores a null, so that is asked first. -#}
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
    The project's sponsors, from variable sponsors, each checked and with the defaults of what it does not say. A list of dicts, so that
    models and tests read one form.
#}
{% macro sponsor_list() -%}
    {%- set weights = {'audience': 25, 'attendance': 20, 'cadence': 15, 'growth': 10, 'fill': 10, 'proximity': 10, 'topics': 10} -%}
    {%- set sponsors = [] -%}
    {%- for given in var('sponsors') -%}
        {%- set sponsor = {'name': given.id, 'half_distance_km': 25, 'topics': []} -%}
        {%- do sponsor.update(given) -%}
        {%- do sponsor.update({'weights': dict(weights, **given.get('weights', {}))}) -%}
        {%- if not sponsor.id or sponsors | selectattr('id', 'equalto', sponsor.id) | list -%}
            {{ exceptions.raise_compiler_error("Each sponsor in variable sponsors needs an id of its own; '" ~ sponsor.id ~ "' is missing or there twice.") }}
        {%- endif -%}
        {%- if "'" in sponsor.id ~ sponsor.name or '\\' in sponsor.id ~ sponsor.name -%}
            {{ exceptions.raise_compiler_error('The id and name of sponsor ' ~ sponsor.id ~ ' must hold no quote and no backslash.') }}
        {%- endif -%}
        {%- if sponsor.weights | length != 7 or sponsor.weights.values() | sum != 100 or sponsor.weights.values() | min < 0 -%}
            {{ exceptions.raise_compiler_error('The weights of sponsor ' ~ sponsor.id ~ ' must be those of ' ~ weights | join(', ') ~ ', none below 0, and add up to 100.') }}
        {%- endif -%}
        {%- do sponsors.append(sponsor) -%}
    {%- endfor -%}
    {%- if not sponsors -%}
        {{ exceptions.raise_compiler_error('Variable sponsors names nobody; the scorecard needs at least one sponsor.') }}
    {%- endif -%}
    {{ return(sponsors) }}
{%- endmacro %}

{# The sponsors as rows: a query. #}
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
    The topics that sponsors ask for as rows: a query. By key, so that no name has to be quoted, and in any spelling of case.
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

{# A measure without an upper end as a share of 1: `half` of it gives 0.5, twice `half` gives 0.67. #}
{% macro saturated(measure, half) -%}
    ({{ measure }} / ({{ measure }} + cast({{ half }} as double)))
{%- endmacro %}
