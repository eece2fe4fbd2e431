{% macro calendar_key(columns) %}md5({% for column in columns %}coalesce(cast({{ column }} as string), ''){% if not loop.last %} || '-' || {% endif %}{% endfor %}){% endmacro %}

{% macro week_of(column) %}{{ return(adapter.dispatch('week_of', 'vendor_calendar')(column)) }}{% endmacro %}
{% macro default__week_of(column) %}date_trunc('week', {{ column }}){% endmacro %}
