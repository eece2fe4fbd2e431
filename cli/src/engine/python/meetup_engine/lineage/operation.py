"""The engine's operation `lineage`: what the columns of models and of saved queries read."""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from dbt.artifacts.resources.types import NodeType
from dbt_common.exceptions import DbtBaseException
from sqlglot import exp, parse, parse_one
from sqlglot.errors import SqlglotError

from meetup_engine.build.fingerprints import fingerprints_of
from meetup_engine.lineage.readers import readers_of
from meetup_engine.lineage.reads import (
    DIALECT,
    Place,
    QueryReadings,
    Read,
    UnreadableSql,
    readings_of,
    together,
)
from meetup_engine.lru_cache import LruCache
from meetup_engine.project.names import called
from meetup_engine.timing import ms_since
from meetup_engine.unit_tests.columns import place_of
from meetup_engine.unit_tests.runner import UnitTestRunner

if TYPE_CHECKING:
    from dbt.contracts.graph.nodes import ManifestNode

    from meetup_engine.project.project import Project
    from meetup_engine.protocol.messages import (
        ColumnRead,
        LineageAnswer,
        LineageColumn,
        LineageInput,
        LineageModel,
        LineageQuery,
        LineageRows,
        SavedQuery,
    )
    from meetup_engine.protocol.wire import Request
    from meetup_engine.unit_tests.operations import Refresh, SessionOf

_INCREMENTAL = {"is_incremental": lambda: True}

_UNRESOLVED = (UnreadableSql, SqlglotError, DbtBaseException, RecursionError)

# By all that decides them: the compiled SQL, and the columns of what it reads.
_known: LruCache[Hashable, QueryReadings] = LruCache(2048)


def run(session_of: SessionOf, refresh: Refresh, request: Request) -> LineageAnswer:
    """The operation `lineage` of the worker."""
    session = session_of(request)
    parsed, found = refresh(session, request)
    if parsed is None:
        return {
            "status": "invalid",
            "problems": found,
            "models": [],
            "inputs": [],
            "readers": [],
            "queries": [],
            "ms": {},
        }
    return lineage_of(session, request)


def lineage_of(session: Project, request: Request) -> LineageAnswer:
    """Reads every model of the project, and the queries in the request. Runs nothing."""
    started = time.perf_counter()
    document = request.document
    runner = UnitTestRunner(session, document.get("sources") or {})
    with runner.lent():
        reader = _Reader(session, runner)
        models = [reader.model(node) for node in session.manifest.nodes.values() if _is_model(node)]
        path = [schema.lower() for schema in document.get("searchPath") or ()]
        queries = [reader.query(saved, path) for saved in document.get("queries") or ()]
        inputs = reader.inputs()
    return {
        "status": "pass",
        "problems": [],
        "models": models,
        "inputs": inputs,
        "readers": list(readers_of(session.manifest)),
        "queries": queries,
        "readFrom": _read_from(session),
        "ms": {"total": ms_since(started)},
    }


def _read_from(session: Project) -> dict[str, object]:
    """What the lineage was read from, and whether all of that can be compared without dbt."""
    fingerprints = fingerprints_of(session, session.manifest, session.config)
    elsewhere = session.elsewhere()
    parts = [
        fingerprints.parts(node.unique_id)
        for node in session.manifest.nodes.values()
        if _is_model(node) and node.unique_id not in elsewhere
    ]
    # Known only once all of them have been looked at.
    session.note_read(fingerprints.environment_read.keys())
    unknown = any(part.volatile or part.any_environment or part.reads_files for part in parts)
    return {**session.inputs(), "repeatable": not unknown}


def _is_model(node: ManifestNode) -> bool:
    return node.resource_type in (NodeType.Model, NodeType.Snapshot)


class _Reader:
    """Reads models and queries of one manifest."""

    def __init__(self, session: Project, runner: UnitTestRunner) -> None:
        self._manifest = session.manifest
        self._elsewhere = session.elsewhere()
        self._runner = runner
        self._found: dict[str, QueryReadings] = {}
        self._types_of: dict[str, dict[str, str]] = {}
        relations = [*self._manifest.nodes.items(), *self._manifest.sources.items()]
        self._ids: dict[Place, str] = {
            place_of(node): unique_id for unique_id, node in relations if getattr(node, "relation_name", None)
        }

    def model(self, node: ManifestNode) -> LineageModel:
        """A model's lineage. If its SQL can't be resolved, each column reads every column of what the model depends on."""
        described: LineageModel = {
            "uniqueId": node.unique_id,
            "name": called(node),
            "resourceType": str(node.resource_type),
            "file": node.original_file_path,
            "schema": node.schema,
            "access": str(getattr(node, "access", "") or ""),
            "dependsOn": list(node.depends_on_nodes),
            "columns": [],
            "rows": {"reads": [], "digest": None},
        }
        if getattr(node, "is_latest_version", False):
            described["latestOf"] = node.name
        try:
            found = self._readings(node)
        except _UNRESOLVED as error:
            reason = str(error).strip().split("\n", 1)[0]
            everything = sorted(self._everything_above(node))
            return {
                **described,
                "columns": [
                    self._column(name, everything, None, node.unique_id) for name in self._columns(node.unique_id)
                ],
                "rows": self._rows(everything, None),
                "reason": reason,
            }
        columns = [
            self._column(name, self._named(one.reads, node), one.digest, node.unique_id)
            for name, one in found.columns.items()
        ]
        return {
            **described,
            "columns": columns,
            "rows": self._rows(self._named(found.rows.reads, node), _with_config(found.rows.digest, node)),
        }

    def query(self, saved: SavedQuery, path: Sequence[str]) -> LineageQuery:
        """What a saved query reads anywhere; it may consist of several statements."""
        reads: set[Read] = set()
        tables: set[Place] = set()
        answer: LineageQuery = {"name": saved["name"], "reads": [], "nodes": []}
        try:
            for statement in parse(saved["sql"], dialect=DIALECT):
                if isinstance(statement, exp.Query):
                    tables |= self._qualify(statement, path)
                    found = readings_of(statement, self._tables(tables))
                    parts = [found.rows, *found.columns.values()]
                    reads |= {read for part in parts for read in part.reads}
        except (UnreadableSql, SqlglotError, RecursionError) as error:
            answer["reason"] = str(error).strip().split("\n", 1)[0]
            reads = {(place, column) for place, columns in self._tables(tables).items() for column in columns}
        nodes = sorted(self._ids[place] for place in tables if place in self._ids)
        return {**answer, "reads": [_read(*one) for one in self._named(reads)], "nodes": nodes}

    def inputs(self) -> list[LineageInput]:
        """The sources and seeds, with their columns."""
        sources = [
            self._input(one.unique_id, f"{one.source_name}.{one.name}", "source", one.original_file_path)
            for one in self._manifest.sources.values()
        ]
        seeds = [
            self._input(one.unique_id, one.name, "seed", one.original_file_path)
            for one in self._manifest.nodes.values()
            if one.resource_type == NodeType.Seed
        ]
        return [*sources, *seeds]

    def _input(self, unique_id: str, name: str, resource_type: str, file: str) -> LineageInput:
        columns = self._columns(unique_id)
        return {"uniqueId": unique_id, "name": name, "resourceType": resource_type, "file": file, "columns": columns}

    def _readings(self, node: ManifestNode) -> QueryReadings:
        """A model's readings, made once. @raise one of _UNRESOLVED"""
        if node.unique_id not in self._found:
            self._found[node.unique_id] = self._find(node)
        return self._found[node.unique_id]

    def _find(self, node: ManifestNode) -> QueryReadings:
        if node.resource_type != NodeType.Model:
            raise UnreadableSql("a snapshot compares its query with earlier runs")
        if node.unique_id in self._elsewhere or node.language != "sql":
            raise UnreadableSql("it is built on the target only")
        first = self._read(self._compiled(node))
        if node.config.materialized != "incremental":
            return first
        # A change that only concerns incremental runs is a change too.
        later = self._read(self._compiled(node, _INCREMENTAL))
        return QueryReadings(
            together([first.rows, later.rows], "runs"),
            {
                name: together([one, later.columns[name]], "runs") if name in later.columns else one
                for name, one in first.columns.items()
            },
        )

    def _compiled(self, node: ManifestNode, context: Mapping[str, object] | None = None) -> str:
        # Templates may ask for the columns of what they read, but few do.
        with contextlib.suppress(DbtBaseException):
            self._runner.columns.place_inputs(node.unique_id)
        return self._runner.columns.compiled(node, context)

    def _read(self, sql: str) -> QueryReadings:
        query = parse_one(sql, dialect=DIALECT)
        tables = self._tables(_places_in(query))
        key = (sql, tuple((place, tuple(columns)) for place, columns in sorted(tables.items())))
        found = _known.get(key)
        if found is None:
            found = readings_of(query, tables)
            _known.put(key, found)
        return found

    def _qualify(self, query: exp.Query, path: Sequence[str]) -> set[Place]:
        """Looks up unqualified names as `meetup query` does, and returns the relations that are read."""
        database = next(iter(self._ids), ("", "", ""))[0]
        ctes = {cte.alias.lower() for cte in query.find_all(exp.CTE)}
        by_name = {(schema, name): place for place in self._ids for _, schema, name in [place]}
        path = [*path, *sorted({schema for schema, _ in by_name} - set(path))]
        for table in query.find_all(exp.Table):
            name = table.name.lower()
            if not table.db and (name in ctes or not name):
                continue
            schemas = [table.db.lower()] if table.db else path
            place = next((by_name[schema, name] for schema in schemas if (schema, name) in by_name), None)
            if place is not None:
                table.set("catalog", exp.to_identifier(place[0] or database))
                table.set("db", exp.to_identifier(place[1]))
        return _places_in(query)

    def _tables(self, places: Iterable[Place]) -> dict[Place, list[str]]:
        return {place: self._columns(self._ids[place]) for place in places if place in self._ids}

    def _columns(self, unique_id: str) -> list[str]:
        with contextlib.suppress(DbtBaseException):
            return [name.lower() for name, _ in self._runner.columns.of(unique_id) or ()]
        # DuckDB can't describe a model if a source's columns are unknown, but its SQL may name its own.
        node = self._manifest.nodes[unique_id]
        with contextlib.suppress(*_UNRESOLVED):
            return list(self._readings(node).columns)
        return [name.lower() for name in node.columns]

    def _everything_above(self, node: ManifestNode) -> set[tuple[str, str]]:
        return {(above, column) for above in node.depends_on_nodes for column in self._columns(above)}

    def _named(self, reads: Iterable[Read], reader: ManifestNode | None = None) -> list[tuple[str, str]]:
        """The reads by unique id, without what a model reads of its own table."""
        own = reader.unique_id if reader is not None else None
        named = {(self._ids.get(place, _relation(place)), column) for place, column in reads}
        return sorted(read for read in named if read[0] != own)

    def _column(self, name: str, reads: Iterable[tuple[str, str]], digest: str | None, unique_id: str) -> LineageColumn:
        return {
            "name": name,
            "type": self._types(unique_id).get(name),
            "reads": [_read(*read) for read in reads],
            "digest": digest,
        }

    def _types(self, unique_id: str) -> dict[str, str]:
        if unique_id not in self._types_of:
            with contextlib.suppress(DbtBaseException):
                found = self._runner.columns.of(unique_id) or ()
                self._types_of[unique_id] = {name.lower(): _as_duckdb(written) for name, written in found if written}
        return self._types_of.get(unique_id, {})

    @staticmethod
    def _rows(reads: Iterable[tuple[str, str]], digest: str | None) -> LineageRows:
        return {"reads": [_read(*read) for read in reads], "digest": digest}


def _relation(place: Place) -> str:
    """What is no node, such as a temporary table, which is in no schema."""
    return ".".join(("relation", *(part for part in place[1:] if part)))


# Parts of a model's configuration that have no effect on its rows.
_NO_EFFECT = frozenset({"meta", "docs", "tags", "group", "access", "persist_docs", "contract", "freshness"})


def _with_config(digest: str, node: ManifestNode) -> str:
    """A digest that also covers how the model is built, such as its materialization and its hooks."""
    config = {name: value for name, value in node.config.to_dict().items() if name not in _NO_EFFECT}
    return hashlib.sha256(f"{digest} {json.dumps(config, sort_keys=True, default=str)}".encode()).hexdigest()[:24]


def _as_duckdb(written: str) -> str:
    """One way to write each type: contracts may say `string` or `int`."""
    try:
        return exp.DataType.build(written, dialect=DIALECT).sql(dialect=DIALECT).lower()
    except SqlglotError:
        return written.lower()


def _read(node: str, column: str) -> ColumnRead:
    return {"node": node, "column": column}


def _places_in(query: exp.Expr) -> set[Place]:
    return {
        (table.catalog.lower(), table.db.lower(), table.name.lower()) for table in query.find_all(exp.Table) if table.db
    }
