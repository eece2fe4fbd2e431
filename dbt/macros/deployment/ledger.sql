{# A name in the target's catalog, quoted. #}
{% macro meetup_quoted(schema, name) %}
  {% set quoted = [] %}
  {% for part in [target.database, schema, name] %}{% do quoted.append('`' ~ part | replace('`', '``') ~ '`') %}{% endfor %}
  {% do return(quoted | join('.')) %}
{% endmacro %}

{# A text as a literal of Spark, in which a backslash escapes. #}
{% macro meetup_literal(text) %}
  {% do return("'" ~ text | string | replace('\\', '\\\\') | replace("'", "\\'") ~ "'") %}
{% endmacro %}

{# As `prepareLedger` and `prepareLock` of cli/src/deploy do, for a target to which nothing was deployed yet. #}
{% macro meetup_create_ledger() %}
  {% set lock = meetup_quoted('meetup', 'deploy_lock') %}
  {% do run_query('create schema if not exists `' ~ target.database ~ '`.`meetup`') %}
  {% do run_query(
    'create table if not exists ' ~ meetup_quoted('meetup', 'deployments') ~ ' (seq bigint, deployment string, event string, at timestamp, '
    ~ 'who string, commit string, plan_hash string, versions string, details string) using delta'
  ) %}
  {% do run_query('create table if not exists ' ~ lock ~ ' (id int, holder string, until timestamp) using delta') %}
  {% if run_query('select count(*) as n from ' ~ lock).rows[0]['n'] | int == 0 %}
    {% do run_query(
      'merge into ' ~ lock ~ ' as held using (select 1 as id) as wanted on held.id = wanted.id '
      ~ 'when not matched then insert (id, holder, until) values (1, null, null)'
    ) %}
  {% endif %}
{% endmacro %}

{# Adds one row, in one commit to one table. #}
{% macro meetup_write_entry(run, event, details) %}
  {% set ledger = meetup_quoted('meetup', 'deployments') %}
  {% set commit = meetup_literal(run.commit) if run.commit else 'cast(null as string)' %}
  {% do run_query(
    'insert into ' ~ ledger ~ ' select (select coalesce(max(seq), 0) + 1 from ' ~ ledger ~ '), ' ~ meetup_literal(run.id) ~ ', '
    ~ meetup_literal(event) ~ ', current_timestamp(), current_user(), ' ~ commit ~ ", '', "
    ~ meetup_literal(tojson({'dbt': dbt_version})) ~ ', ' ~ meetup_literal(tojson(details))
  ) %}
{% endmacro %}

{#
  A deployment that died has left tables half changed, and only meetup can put them back. Whoever holds the lease knows that it died. The lease is
  given back before the run fails. One that was undone is over, even if it wrote once more that it had passed.
#}
{% macro meetup_refuse_interrupted(run) %}
  {% set ledger = meetup_quoted('meetup', 'deployments') %}
  {% set last = run_query(
    'select deployment, event from ' ~ ledger ~ " where event not like 'run %' and (event <> 'audited' or deployment not in ("
    ~ 'select deployment from ' ~ ledger ~ " where event = 'undone')) order by seq desc limit 1"
  ) %}
  {% if last.rows | length > 0 and last.rows[0]['event'] in ['begun', 'audited', 'rolling back'] %}
    {% do meetup_give_lease_back(run) %}
    {% do exceptions.raise_compiler_error(
      'Deployment ' ~ last.rows[0]['deployment'] ~ ' was interrupted, so nothing was run: `./meetup deploy` or `./meetup rollback` finishes it first.'
    ) %}
  {% endif %}
{% endmacro %}

{# Records that earlier runs died: they began and never ended, and this run holds the lease that they had. #}
{% macro meetup_note_dead_runs() %}
  {% set ledger = meetup_quoted('meetup', 'deployments') %}
  {% set dead = run_query(
    'select deployment, who, cast(at as string) as at, commit, ' ~ "get_json_object(details, '$.run') as run from " ~ ledger ~ ' as begun '
    ~ "where event = 'run begun' and not exists (select 1 from " ~ ledger ~ ' as ended where ended.deployment = begun.deployment '
    ~ "and ended.event in ('run finished', 'run failed', 'run died')) order by seq"
  ) %}
  {% for row in dead.rows %}
    {% set gone = fromjson(row['run']) %}
    {% set of_job = ' of job ' ~ gone.job if gone.job else '' %}
    {% do log(
      'Run ' ~ gone.id ~ of_job ~ ', begun at ' ~ row['at'] ~ ' UTC by ' ~ row['who'] ~ ', died: it never ended, and its lease is free.', info=true
    ) %}
    {% do meetup_write_entry(gone, 'run died', {'run': gone}) %}
  {% endfor %}
{% endmacro %}
