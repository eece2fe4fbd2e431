{#
  Makes each run of dbt on Databricks part of the target's history: it holds the same lease as `./meetup deploy`, and leaves a row in the ledger
  (meetup.deployments) when it begins and when it ends. dbt_project.yml calls both macros. The engine of `./meetup deploy` leaves them out: a
  deployment has its own lease and rows (cli/src/deploy/runs.ts reads these).
#}
{% macro meetup_run_begins() %}
  {% if meetup_takes_part() %}
    {% set run = meetup_this_run() %}
    {% do meetup_create_ledger() %}
    {% do meetup_take_lease(run) %}
    {% do meetup_refuse_interrupted(run) %}
    {% do meetup_note_dead_runs() %}
    {% set nodes = meetup_selected_nodes() %}
    {% set relations = [] %}
    {% set before = {} %}
    {% for node in nodes %}
      {% do relations.append(meetup_key(node)) %}
      {% set state = meetup_state_of(node) %}
      {% if state is not none %}{% do before.update({meetup_key(node): state}) %}{% endif %}
    {% endfor %}
    {% do meetup_write_entry(run, 'run begun', {'run': run, 'selected': relations, 'before': before}) %}
    {% for node in nodes if meetup_key(node) in before %}
      {% do meetup_pin_view(node, before[meetup_key(node)]['version']) %}
    {% endfor %}
  {% endif %}
{% endmacro %}

{#
  Records what the run wrote, publishes it if a `build` passed, and gives the lease back.
  results: dbt's results of this run.
#}
{% macro meetup_run_ends(results) %}
  {% if meetup_takes_part() %}
    {% set run = meetup_this_run() %}
    {% do meetup_require_lease(run) %}
    {% set wrote = {} %}
    {% set views = [] %}
    {% set failed = [] %}
    {% set built = [] %}
    {% for result in results if result.node.unique_id in graph.nodes or result.status in ['error', 'fail', 'runtime error'] %}
      {% if result.status in ['error', 'fail', 'runtime error', 'partial success'] %}{% do failed.append(result.node.name) %}{% endif %}
      {% set node = graph.nodes.get(result.node.unique_id) %}
      {% if node is not none and meetup_is_relation(node) and result.status in ['success', 'partial success', 'error'] %}
        {% set state = meetup_state_of(node) %}
        {% if state is not none %}
          {% do wrote.update({meetup_key(node): state}) %}
          {% do built.append(node) %}
        {% elif node.config.materialized == 'view' %}
          {% do views.append(meetup_key(node)) %}
        {% endif %}
      {% endif %}
    {% endfor %}
    {# Readers see what was built once all its tests have passed, so nothing of a `dbt run`, or of a build that leaves tests out. #}
    {% set passed = failed | length == 0 and flags.WHICH == 'build' and not meetup_leaves_tests_out(built) %}
    {% if passed %}
      {% for node in built %}{% do meetup_publish_view(node) %}{% endfor %}
    {% endif %}
    {% do meetup_write_entry(
      run, 'run failed' if failed else 'run finished', {'run': run, 'wrote': wrote, 'views': views, 'failed': failed, 'passed': passed}
    ) %}
    {% do meetup_give_lease_back(run) %}
  {% endif %}
{% endmacro %}

{# Whether a test of any of these nodes was not selected. #}
{% macro meetup_leaves_tests_out(nodes) %}
  {% set built = nodes | map(attribute='unique_id') | list %}
  {% for test in graph.nodes.values() if test.resource_type == 'test' and test.unique_id not in selected_resources %}
    {% if test.depends_on.nodes | select('in', built) | list %}{% do return(true) %}{% endif %}
  {% endfor %}
  {% do return(false) %}
{% endmacro %}

{# Whether this command writes to a target that has a ledger. #}
{% macro meetup_takes_part() %}
  {% do return(execute and target.type == 'databricks' and flags.WHICH in ['build', 'run', 'seed', 'snapshot']) %}
{% endmacro %}

{#
  Who runs what. `commit` is none unless the rows are known to be those of a commit: with variables of one's own, or --empty, they aren't.
  Databricks replaces {{job.id}} and {{job.run_id}} in a task's commands: https://docs.databricks.com/jobs/dynamic-value-references.html
#}
{% macro meetup_this_run() %}
  {% set given = invocation_args_dict.get('vars') or {} %}
  {% set own = given.keys() | reject('in', ['meetup_commit', 'meetup_job', 'meetup_job_run', 'meetup_wait_minutes', 'meetup_lease_minutes']) | list %}
  {% set altered = own | length > 0 or flags.EMPTY or invocation_args_dict.get('sample') %}
  {% do return({
    'id': run_started_at.strftime('%Y%m%d-%H%M%S') ~ '-' ~ invocation_id[:4],
    'invocation': invocation_id,
    'command': flags.WHICH,
    'project': project_name,
    'target': target.name,
    'lease_minutes': var('meetup_lease_minutes', 120) | int,
    'job': var('meetup_job', '') | string,
    'job_run': var('meetup_job_run', '') | string,
    'commit': none if altered or not var('meetup_commit', '') else var('meetup_commit') | string,
  }) %}
{% endmacro %}

{# The selected nodes that become relations. #}
{% macro meetup_selected_nodes() %}
  {% set nodes = [] %}
  {% for unique_id in selected_resources if unique_id in graph.nodes and meetup_is_relation(graph.nodes[unique_id]) %}
    {% do nodes.append(graph.nodes[unique_id]) %}
  {% endfor %}
  {% do return(nodes) %}
{% endmacro %}

{% macro meetup_is_relation(node) %}
  {% do return(node.resource_type in ['model', 'seed', 'snapshot'] and node.config.materialized != 'ephemeral') %}
{% endmacro %}

{# `schema.name`, the ledger's name for a relation. #}
{% macro meetup_key(node) %}{% do return(node.schema ~ '.' ~ node.alias) %}{% endmacro %}

{# The version of a node's table as the ledger has it; none if it isn't a table, or isn't there. #}
{% macro meetup_state_of(node) %}
  {% if node.config.materialized not in ['table', 'incremental', 'snapshot', 'seed'] %}{% do return(none) %}{% endif %}
  {% set relation = adapter.get_relation(database=target.database, schema=node.schema, identifier=node.alias) %}
  {% if relation is none or relation.is_view %}{% do return(none) %}{% endif %}
  {% set commits = run_query('describe history ' ~ meetup_quoted(node.schema, node.alias) ~ ' limit 1') %}
  {% set at = commits.rows[0]['timestamp'] %}
  {# Milliseconds without trailing zeros, as `momentText` of cli/src/deploy/relations.ts has them. #}
  {% if at is not string %}
    {% set at = modules.re.sub('[.]?0*$', '', at.strftime('%Y-%m-%d %H:%M:%S.%f')[:23]) %}
  {% endif %}
  {% do return({'kind': 'table', 'version': commits.rows[0]['version'] | int, 'committedAt': at}) %}
{% endmacro %}
