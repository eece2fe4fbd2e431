{#
    Engines disagree about white space (DuckDB's trim removes more kinds than Spark's) and about the lower case of a few letters, so
    both are defined here.
#}

{# A text without surrounding white space of any kind; inside the text, each white space becomes a plain space. #}
{% macro trimmed(text) -%}
    {%- set blanks = '\u0009\u000a\u000b\u000c\u000d\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000' -%}
    trim(translate({{ text }}, '{{ blanks }}', '{{ ' ' * (blanks | length) }}'))
{%- endmacro %}

{# A text in lower case. The Turkish dotted capital I becomes i, and sigma has one form: engines differ in these two. #}
{% macro lowered(text) -%}
    lower(translate({{ text }}, '{{ '\u0130\u03a3\u03c2' }}', '{{ 'i\u03c3\u03c3' }}'))
{%- endmacro %}

{# The key of a topic, ignoring case. #}
{% macro topic_key(topic_name) -%}
    {{ surrogate_key([lowered(topic_name)]) }}
{%- endmacro %}
