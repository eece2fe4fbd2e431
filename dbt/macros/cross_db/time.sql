{# Converts epoch milliseconds to a timestamp in UTC. #}
{% macro epoch_ms_to_utc(epoch_ms) -%}
    {{ return(adapter.dispatch('epoch_ms_to_utc', 'meetup')(epoch_ms)) }}
{%- endmacro %}

{% macro default__epoch_ms_to_utc(epoch_ms) -%}
    timestamp_millis({{ epoch_ms }})
{%- endmacro %}

{% macro duckdb__epoch_ms_to_utc(epoch_ms) -%}
    epoch_ms({{ epoch_ms }})
{%- endmacro %}


{# Converts epoch milliseconds to local time in the project's time zone, a timestamp without a zone. #}
{% macro epoch_ms_to_local(epoch_ms) -%}
    {{ return(adapter.dispatch('epoch_ms_to_local', 'meetup')(epoch_ms)) }}
{%- endmacro %}

{% macro default__epoch_ms_to_local(epoch_ms) -%}
    convert_timezone(
        'UTC',
        '{{ var("local_time_zone") }}',
        timestamp_ntz'1970-01-01 00:00:00' + make_dt_interval(0, 0, 0, {{ epoch_ms }} / 1000.0)
    )
{%- endmacro %}

{% macro duckdb__epoch_ms_to_local(epoch_ms) -%}
    timezone('{{ var("local_time_zone") }}', timezone('UTC', epoch_ms({{ epoch_ms }})))
{%- endmacro %}
