"""Runs the common cases with SQLAlchemy and Databricks' dialect for it."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Engine,
    ForeignKey,
    MetaData,
    String,
    Table,
    create_engine,
    delete,
    event,
    insert,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.exc import DBAPIError

from common import Case, Client, Given, Plain, argument, connection_arguments, failure, plain, run_all, together


def named(case: Case) -> tuple[str, dict[str, object]]:
    """A case's statement with named parameters, which is what the dialect has."""
    statement: str = case["sql"]
    if "named" in case:
        return statement, {name: argument(*given) for name, given in case["named"].items()}
    arguments = {f"p{i}": argument(*given) for i, given in enumerate(case.get("positional", []))}
    for name in arguments:
        statement = statement.replace("?", f":{name}", 1)
    return statement, arguments


class SqlAlchemyClient(Client):
    errors = DBAPIError

    def __init__(self, given: Given, folder: str) -> None:
        super().__init__(folder)
        place = f"{given['host']}?http_path={given['httpPath']}&catalog=hive_metastore&schema=default"
        self.engine: Engine = create_engine(
            f"databricks://token:{given['token']}@{place}", connect_args=connection_arguments(given, folder)
        )

    def close(self) -> None:
        self.engine.dispose()

    def run(self, sql: str) -> None:
        """Runs a statement that has no parameters: in text(), a colon begins the name of one."""
        with self.engine.begin() as connection:
            connection.exec_driver_sql(sql)

    def rows(self, case: Case) -> list[Plain]:
        statement, arguments = named(case)
        with self.engine.connect() as connection:
            result = (
                connection.execute(text(statement), arguments) if arguments else connection.exec_driver_sql(statement)
            )
            return [plain(tuple(row)) for row in result]

    def large(self, case: Case) -> list[list[str]]:
        with self.engine.connect() as connection:
            rows = connection.execute(text(case["sql"])).all()
        return [[str(len(rows)), str(sum(row.id for row in rows)), str(sum(row.name is None for row in rows))]]

    def update(self, case: Case) -> int:
        statement, arguments = named(case)
        with self.engine.begin() as connection:
            return connection.execute(text(statement), arguments).rowcount

    def error(self, case: Case) -> dict[str, str | None] | None:
        return failure(lambda: self.rows(case), self.errors)

    def metadata(self, case: Case) -> list[list[Plain]]:
        """What an inspector finds, as rows of the driver's metadata."""
        found = inspect(self.engine)
        schema, table = case.get("schema"), re.sub(r"\\_", "_", case.get("table", ""))
        if case["call"] == "schemas":
            return [[name] for name in found.get_schema_names()]
        if case["call"] == "tables":
            names = {"TABLE": found.get_table_names(schema), "VIEW": found.get_view_names(schema)}
            return [[case["catalog"], schema, name, kind] for kind, some in names.items() for name in some]
        if case["call"] == "columns":
            return [
                [table, column["name"], str(column["type"].compile(self.engine.dialect))]
                for column in found.get_columns(table, schema)
            ]
        return [[name] for name in found.get_pk_constraint(table, schema)["constrained_columns"]]

    def library(self, case: Case) -> list[Plain]:
        """Tables that SQLAlchemy itself creates, changes, reads and finds again."""
        own = MetaData()
        cities = Table(f"{case['table']}_cities", own, Column("id", BigInteger, primary_key=True))
        groups = Table(
            case["table"],
            own,
            Column("id", BigInteger, primary_key=True, autoincrement=False),
            Column("city", ForeignKey(cities.c.id)),
            Column("name", String),
        )
        own.drop_all(self.engine)
        own.create_all(self.engine)
        with self.engine.begin() as connection:
            connection.execute(insert(cities), [{"id": 1}])
            rows: list[dict[str, Any]] = [
                {"id": 1, "city": 1, "name": "it's"},
                {"id": 2, "city": 1, "name": None},
                {"id": 3, "city": 1, "name": "gone"},
            ]
            connection.execute(insert(groups), rows)
            connection.execute(update(groups).where(groups.c.name.is_(None)).values(name="none"))
            connection.execute(delete(groups).where(groups.c.id == 3))
            joined = select(groups.c.id, groups.c.name).join(cities).order_by(groups.c.id).limit(10)
            read = [plain(tuple(row)) for row in connection.execute(joined)]
        again = Table(case["table"], MetaData(), autoload_with=self.engine)
        return [*read, [column.name for column in again.columns]]

    def together(self, case: Case) -> int:
        return together(lambda sql: self.rows({"sql": sql}), case["sql"])

    def cancel(self, case: Case) -> dict[str, object]:
        """SQLAlchemy itself can't cancel: programs use the driver's cursor."""
        cursors: list[Any] = []

        def remember(_connection: object, cursor: object, *_more: object) -> None:
            cursors.append(cursor)

        def cancel() -> None:
            event.remove(self.engine, "before_cursor_execute", remember)
            cursors[0].cancel()

        event.listen(self.engine, "before_cursor_execute", remember)
        return self.cancelled(lambda: self.rows(case), cancel, pause=3)


run_all(SqlAlchemyClient)
