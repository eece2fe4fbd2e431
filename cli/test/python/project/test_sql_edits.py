"""Edits of SQL that need no parse."""

from __future__ import annotations

import pytest

from meetup_engine.project.sql_edits import reads_text, same_jinja

SQL = "{{ config(materialized='table') }}\nselect a, '{{ var(\"x\") }}' as x from {{ ref('up') }} {% if execute %}where a > 1{% endif %}"


@pytest.mark.parametrize(
    "after",
    [
        "-- a comment\n" + SQL,
        SQL.replace("select a", "select a + 1 as a"),
        SQL.replace("a > 1", "a > 2"),
        SQL.replace("select", "{# for readers #}select"),
        SQL + "\n",
    ],
)
def test_an_edit_of_the_text_between_the_jinja_keeps_the_jinja(after: str) -> None:
    assert same_jinja(SQL, after)


@pytest.mark.parametrize(
    "after",
    [
        SQL.replace("'table'", "'view'"),
        SQL.replace("ref('up')", "ref('down')"),
        SQL.replace("if execute", "if not execute"),
        SQL + "{{ ref('other') }}",
        SQL.replace("{{ ref('up') }}", "up"),
        SQL.replace("{{ config", "{# {{ config").replace(") }}\nselect", ") }} #}\nselect"),
        SQL.replace("{{ ref('up') }}", "{% raw %}{{ ref('up') }}{% endraw %}"),
        "{# never closed " + SQL,
    ],
)
def test_an_edit_of_the_jinja_is_noticed(after: str) -> None:
    assert not same_jinja(SQL, after)


@pytest.mark.parametrize(
    "block",
    [
        "{%% set names %%}%s{%% endset %%}{{ config(alias=names) }}",
        "{%%- set names | upper %%}%s{%%- endset %%}",
        "{%% call statement('x') %%}%s{%% endcall %%}",
        "{%% filter upper %%}%s{%% endfilter %%}",
        "{%% macro m() %%}%s{%% endmacro %%}{{ m() }}",
    ],
)
def test_text_in_a_block_that_captures_it_counts_as_jinja(block: str) -> None:
    assert not same_jinja(block % "a", block % "b")


def test_a_set_with_a_value_captures_nothing() -> None:
    assert same_jinja("{% set n = 1 %}select {{ n }}", "{% set n = 1 %}select 1 + {{ n }}")


@pytest.mark.parametrize(
    "template",
    [
        "{{ config(alias=model.raw_code | length) }}",
        "{{ model }}",
        "{{ model['raw_code'] }}",
        "{{ node.to_dict() }}",
        "{{ model | attr('raw_code') }}",
        "{{ graph.nodes }}",
        "{{ hash_of(node) }}",
        "{{ context['model'] }}",
    ],
)
def test_a_template_that_can_read_the_text_of_its_model_is_noticed(template: str) -> None:
    assert reads_text([template])


@pytest.mark.parametrize(
    "template",
    [
        "{% macro generate_schema_name(custom_schema_name, node) -%}{{ node.name }}{%- endmacro %}",
        "{{ config(alias=model.name) }}",
        "select raw_code, model from {{ ref('up') }}",
    ],
)
def test_a_template_that_reads_other_parts_of_its_model_is_not(template: str) -> None:
    assert not reads_text([template])
