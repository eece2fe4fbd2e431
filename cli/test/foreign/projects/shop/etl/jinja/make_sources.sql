{% macro make_sources() %}
    {% for statement in [
        "create schema if not exists crm",
        "create schema if not exists web_shop",
        "create table if not exists crm.tbl_customers as
            select * from (values (10, 'Ann Lee', 'NL', 7), (11, 'Bob Ray', 'DE', 3)) as t (id, full_name, country, loyalty)",
        "create table if not exists web_shop.orders as
            select * from (values
                (1, 10, date '2026-01-05', 20.0, 'paid'),
                (2, 10, date '2026-02-07', 5.5, 'paid'),
                (3, 11, date '2026-02-09', 9.0, 'open')
            ) as t (order_id, customer_id, ordered_on, amount, status)",
    ] %}
        {% if execute %}{% do run_query(statement) %}{% endif %}
    {% endfor %}
{% endmacro %}

{% macro rounded(column) %}{{ return(adapter.dispatch('rounded', 'shop_dwh')(column)) }}{% endmacro %}
{% macro default__rounded(column) %}round({{ column }}, 2){% endmacro %}
{% macro databricks__rounded(column) %}bround({{ column }}, 2){% endmacro %}
