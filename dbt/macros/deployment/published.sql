{#
  Readers of a node with `meta: {published_in: <schema>}` see a view of the same name in that schema. The statements are those of
  cli/src/deploy/publish/view-sql.ts.
#}

{# Makes the view show the version that its table has now, unless it shows an earlier one already: that is the last one that passed. #}
{% macro meetup_pin_view(node, version) %}
  {% set view = meetup_view_of(node) %}
  {% if view is not none and meetup_existing_view(node) %}
    {% set query = 'select * from ' ~ meetup_quoted(node.schema, node.alias) %}
    {% set definition = run_query('show create table ' ~ view).rows[0][0] | trim %}
    {# Spark calls its own catalog otherwise than Databricks does. #}
    {% set table = '`' ~ modules.re.escape(node.schema) ~ '`[.]`' ~ modules.re.escape(node.alias) ~ '`' %}
    {% if modules.re.search('select [*] from `[^`]+`[.]' ~ table ~ '$', definition) %}
      {% do run_query('alter view ' ~ view ~ ' as ' ~ query ~ ' version as of ' ~ version) %}
    {% endif %}
  {% endif %}
{% endmacro %}

{# Makes the view show its table as it is. `alter` keeps the privileges on it. #}
{% macro meetup_publish_view(node) %}
  {% set view = meetup_view_of(node) %}
  {% if view is not none %}
    {% set query = 'select * from ' ~ meetup_quoted(node.schema, node.alias) %}
    {% set relation = meetup_existing(node) %}
    {% if relation is none %}
      {% set described = node.description | trim if node.config.get('persist_docs', {}).get('relation') else '' %}
      {% do run_query('create schema if not exists `' ~ target.database ~ '`.`' ~ node.config.meta.published_in ~ '`') %}
      {% do run_query(
        'create view if not exists ' ~ view ~ (' comment ' ~ meetup_literal(described) if described else '') ~ ' as ' ~ query
      ) %}
    {% elif relation.is_view %}
      {% do run_query('alter view ' ~ view ~ ' as ' ~ query) %}
    {% endif %}
  {% endif %}
{% endmacro %}

{# The view's name, quoted; none if readers see the table itself. #}
{% macro meetup_view_of(node) %}
  {% set schema = node.config.get('meta', {}).get('published_in') %}
  {% do return(none if not schema or schema == node.schema else meetup_quoted(schema, node.alias)) %}
{% endmacro %}

{% macro meetup_existing(node) %}
  {% do return(adapter.get_relation(database=target.database, schema=node.config.meta.published_in, identifier=node.alias)) %}
{% endmacro %}

{% macro meetup_existing_view(node) %}
  {% set relation = meetup_existing(node) %}
  {% do return(relation is not none and relation.is_view) %}
{% endmacro %}
