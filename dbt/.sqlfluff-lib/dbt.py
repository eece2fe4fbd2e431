"""Stands in for dbt's own cross-database macros, so that sqlfluff can render a model without dbt."""


def dateadd(part, interval, moment):
    return f"date_add({moment}, {interval})"


def datediff(start, end, part):
    return f"date_diff('{part}', {start}, {end})"
