"""Stands in for dbt's adapter, so that sqlfluff can render a model without dbt."""


def quote(name):
    return f'"{name}"'
