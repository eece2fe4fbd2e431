{#
  Takes the lease that cli/src/deploy/lock.ts describes, or waits for it. If two take it at once, Delta lets one update commit; the other fails or
  changes no row. A run takes it over from an earlier run of the same job: a job has one run at a time (max_concurrent_runs in databricks.yml).
#}
{% macro meetup_take_lease(run) %}
  {% set lock = meetup_quoted('meetup', 'deploy_lock') %}
  {% set me = meetup_literal(meetup_holder(run)) %}
  {% set same_job = " or holder like 'dbt %' and split_part(holder, ' ', 3) like " ~ meetup_literal(run.job ~ '/%') if run.job else '' %}
  {% set free = 'holder is null or until < current_timestamp()' ~ same_job %}
  {% set patience = modules.datetime.timedelta(minutes=var('meetup_wait_minutes', 60)) %}
  {% set started = modules.datetime.datetime.now() %}
  {% set seen = namespace(holder='', announced=false) %}
  {% for _ in range(10000) if seen.holder != meetup_holder(run) %}
    {% set row = run_query(
      'select holder, cast(until as string) as until, case when ' ~ free ~ ' then 1 else 0 end as is_free from ' ~ lock ~ ' where id = 1'
    ).rows[0] %}
    {% if row['is_free'] | int == 1 %}
      {# As long as a run may take, because dbt can't renew it meanwhile. #}
      {% do run_query(
        'update ' ~ lock ~ ' set holder = ' ~ me ~ ', until = current_timestamp() + make_dt_interval(0, 0, '
        ~ run.lease_minutes ~ ', 0) where ' ~ free
      ) %}
      {% set seen.holder = run_query('select holder from ' ~ lock ~ ' where id = 1').rows[0]['holder'] %}
    {% elif modules.datetime.datetime.now() - started > patience %}
      {% do exceptions.raise_compiler_error(
        meetup_describe_holder(row['holder']) ~ ' is changing ' ~ target.database ~ ', and this run has waited for '
        ~ var('meetup_wait_minutes', 60) ~ ' minutes: run it again later; if that process is gone, its lease ends at ' ~ row['until'] ~ ' UTC.'
      ) %}
    {% else %}
      {% if not seen.announced %}
        {% do log('Waiting: ' ~ meetup_describe_holder(row['holder']) ~ ' is changing ' ~ target.database ~ '.', info=true) %}
      {% endif %}
      {% set seen.announced = true %}
      {% do meetup_pause(5) %}
    {% endif %}
  {% endfor %}
{% endmacro %}

{#
  dbt has no sleep. SQL has none that every warehouse runs, and a statement that takes long on purpose would slow down the run that is waited for.
  So the process that waits watches the clock, and the warehouse is only asked for one row every few seconds.
  Jinja has no `break`, and its sandbox limits a range to 100,000: the rest of a loop is passed over, which takes microseconds.
#}
{% macro meetup_pause(seconds) %}
  {% set now = modules.datetime.datetime.now %}
  {% set due = now() + modules.datetime.timedelta(seconds=seconds) %}
  {% for _ in range(10000) if now() < due %}
    {% for _ in range(10000) if now() < due %}{% endfor %}
  {% endfor %}
{% endmacro %}

{# `dbt <run> <job>/<run of the job> <target>`: without spaces in its parts. A deployment's begins with the name of its machine. #}
{% macro meetup_holder(run) %}
  {% do return('dbt ' ~ run.id ~ ' ' ~ (run.job or '-') ~ '/' ~ (run.job_run or '-') ~ ' ' ~ (target.name | replace(' ', '_'))) %}
{% endmacro %}

{% macro meetup_describe_holder(holder) %}
  {% set parts = (holder or '').split(' ') %}
  {% if parts[0] == 'dbt' and parts | length > 2 %}
    {% set job = parts[2].split('/') %}
    {% do return('Run ' ~ parts[1] ~ (' of job ' ~ job[0] ~ ' (' ~ job[1] ~ ')' if job[0] != '-' else ' of dbt')) %}
  {% endif %}
  {% do return('Deployment ' ~ (parts[2] if parts | length > 2 else holder) ~ ' (process ' ~ (parts[1] if parts | length > 1 else '?') ~ ' on ' ~ parts[0] ~ ')') %}
{% endmacro %}

{# A run that took longer than its lease may have lost it. What it wrote then isn't published, and counts as a stranger's. #}
{% macro meetup_require_lease(run) %}
  {% set holder = run_query('select holder from ' ~ meetup_quoted('meetup', 'deploy_lock') ~ ' where id = 1').rows[0]['holder'] %}
  {% if holder != meetup_holder(run) %}
    {% do exceptions.raise_compiler_error(
      'This run lost its lease after ' ~ run.lease_minutes ~ ' minutes' ~ (' to ' ~ meetup_describe_holder(holder) if holder else '')
      ~ ', so it publishes nothing: give it a longer one with --vars "{meetup_lease_minutes: 240}", and run it again.'
    ) %}
  {% endif %}
{% endmacro %}

{% macro meetup_give_lease_back(run) %}
  {% do run_query(
    'update ' ~ meetup_quoted('meetup', 'deploy_lock') ~ ' set holder = null, until = null where holder = ' ~ meetup_literal(meetup_holder(run))
  ) %}
{% endmacro %}
