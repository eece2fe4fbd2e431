"""
The types of the protocol's documents. cli/src/engine/protocol.ts defines and validates the same documents on the other side:
always change both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, TypedDict

if TYPE_CHECKING:
    from typing_extensions import NotRequired

#: A JSON document whose fields are not read here.
Json = Mapping[str, object]
#: Milliseconds by phase, including `total`.
Timings = dict[str, float]
#: Columns (name and type) of tables that no model builds, by `schema.table`.
SourceColumns = Mapping[str, Sequence[Sequence[str]]]


class RequestDocument(TypedDict, total=False):
    """A request. Each operation reads its own fields, which the TypeScript client sets."""

    id: int
    op: str
    # hello
    token: str
    protocol: int
    # cancel
    request: int
    # All operations on a project
    projectDir: str
    profilesDir: str
    targetPath: str
    logPath: str
    stateDir: str | None
    target: str | None
    vars: dict[str, object] | None
    schemaPrefix: str | None
    env: dict[str, str] | None
    files: list[str] | None
    full: bool
    asRead: bool
    # build, run, test, compile, affected
    select: list[str] | None
    exclude: list[str] | None
    uniqueIds: list[str] | None
    fullRefresh: bool
    fullRefreshIds: list[str] | None
    givenQueries: dict[str, str] | None
    branch: BranchPlace | None
    failFast: bool
    threads: int | None
    resourceTypes: list[str] | None
    indirectSelection: str | None
    writeArtifacts: bool
    sample: bool
    again: list[str] | None
    everything: bool
    # fixtures, mutate, coverage
    list: bool
    sources: SourceColumns | None
    generation: int | None
    # lineage
    queries: list[SavedQuery] | None
    searchPath: list[str] | None
    # changes
    deployedDir: str | None
    manifestFile: str | None


class BranchPlace(TypedDict):
    """What is built in the schemas of a branch: their suffix, and the unique ids of the nodes and sources that are in them."""

    suffix: str
    nodes: list[str]
    sources: list[str]


class SavedQuery(TypedDict):
    """SQL outside the dbt project, such as a dashboard's. Unqualified names are looked up in `searchPath`."""

    name: str
    sql: str


class Problem(TypedDict):
    """An error in the project: what is wrong, and where in the user's files."""

    kind: Literal["yaml", "jinja", "config", "environment", "unsupported", "parse", "database", "node"]
    file: str | None
    line: int | None
    message: str
    excerpt: str | None
    compiledPath: NotRequired[str | None]


class Identity(TypedDict):
    """A node's name, type and file."""

    uniqueId: str
    name: str
    resourceType: str
    file: str | None
    tests: NotRequired[str]


class Named(Identity):
    message: str | None


class Sample(TypedDict):
    """A sample of the rows that a data test found."""

    columns: list[str]
    rows: list[list[object]]


class Diff(TypedDict):
    """All rows of a unit test that was run by dbt itself."""

    actual: list[dict[str, object]]
    expected: list[dict[str, object]]


class MissingRow(TypedDict):
    cells: list[str]
    # The row's index among the expected ones, until it is replaced by `line`.
    row: NotRequired[int | None]
    line: NotRequired[int | None]


class ExtraRow(TypedDict):
    cells: list[str]


class DifferingRow(TypedDict):
    expected: list[str]
    actual: list[str]
    at: list[str]
    row: NotRequired[int | None]
    line: NotRequired[int | None]


class DifferenceCounts(TypedDict):
    missing: int
    extra: int
    differing: int
    expected: int
    actual: int


class Difference(TypedDict):
    """Differences between a unit test's actual and expected rows, in the columns that matter."""

    columns: list[str]
    missing: list[MissingRow]
    extra: list[ExtraRow]
    differing: list[DifferingRow]
    counts: DifferenceCounts
    note: NotRequired[str]


class NodeResult(Identity):
    status: str
    ms: float
    message: str | None
    # CPU time of the whole process during the node: the node's own if nodes run one at a time.
    cpuMs: NotRequired[float]
    failures: NotRequired[int | None]
    problem: NotRequired[Problem]
    # The name of the node's table, if it isn't that of the node
    alias: NotRequired[str]
    # For models: how many rows were written and, if known, how many of them changed.
    rowsWritten: NotRequired[int]
    rowsChanged: NotRequired[int]
    compiledPath: NotRequired[str]
    sample: NotRequired[Sample]
    diff: NotRequired[Diff]
    # For a unit test that ran in memory
    difference: NotRequired[Difference]
    line: NotRequired[int | None]
    model: NotRequired[str]
    compileMs: NotRequired[float]


class UnitTest(Identity):
    model: str
    line: int | None


class ParseReport(TypedDict):
    """The outcome of a parse. `generation` is incremented by each parse that changes the manifest."""

    kind: str
    files: list[str]
    ms: Timings
    generation: int


class Answer(TypedDict):
    """The result of a request; each operation has its own type below."""

    status: str
    problems: list[Problem]


class ParseAnswer(Answer):
    ms: Timings
    kind: NotRequired[str]
    files: NotRequired[list[str]]
    generation: NotRequired[int]


class AffectedNodes(TypedDict):
    """The nodes that an affected build skipped, and those that currently fail."""

    spared: list[Named]
    failing: list[Named]
    unchanged: list[Named]
    removed: list[str]


class Elsewhere(TypedDict):
    name: str
    reason: str


class TaskAnswer(Answer):
    nodes: list[NodeResult]
    ms: Timings
    parse: NotRequired[ParseReport]
    # For an affected build
    spared: NotRequired[list[Named]]
    failing: NotRequired[list[Named]]
    unchanged: NotRequired[list[Named]]
    removed: NotRequired[list[str]]
    inputs: NotRequired[dict[str, object]]
    # Models that this target can't run, and why.
    elsewhere: NotRequired[list[Elsewhere]]


class UnitTestsAnswer(Answer):
    tests: Sequence[UnitTest | NodeResult]
    ms: Timings
    generation: NotRequired[int]


class Mutant(TypedDict):
    step: str
    part: str
    before: str
    after: str
    diff: str


class MutatedModel(TypedDict):
    model: str
    file: str
    fixtures: int
    mutants: int
    killed: int
    equivalent: list[Mutant]
    survivors: list[Mutant]
    reason: NotRequired[str]


class Branch(TypedDict):
    part: str
    branch: str


class CoveredModel(TypedDict):
    model: str
    file: str
    fixtures: int
    columns: int
    unexpectedColumns: list[str]
    branches: int
    unreachedBranches: list[Branch]
    reason: NotRequired[str]


class MutationAnswer(Answer):
    models: list[MutatedModel]
    ms: Timings


class CoverageAnswer(Answer):
    models: list[CoveredModel]
    ms: Timings


class DeployedNode(TypedDict):
    uniqueId: str
    name: str
    resourceType: str
    schema: str
    relation: str | None
    publishedIn: str | None
    description: str
    materialized: str
    access: str
    dependsOn: list[str]
    fingerprint: str | None
    change: str | None
    notLocal: str | None


class DeployedSource(TypedDict):
    uniqueId: str
    database: str | None
    schema: str
    name: str


class ChangesAnswer(Answer):
    nodes: list[DeployedNode]
    sources: list[DeployedSource]
    ms: Timings


class MetricInfo(TypedDict):
    name: str
    label: str | None
    description: str
    type: str
    # The owner of its group, or else of its first model's.
    owner: str | None
    models: list[str]
    file: str


class MetricsAnswer(Answer):
    metrics: list[MetricInfo]
    # JSON, as in dbt's semantic_manifest.json.
    definitions: str
    ms: Timings


class ColumnRead(TypedDict):
    # The unique id of a model, seed or source, or `relation.<schema>.<name>` for a table that the project doesn't know.
    node: str
    column: str


class LineageRows(TypedDict):
    """What decides which rows there are. Equal digests mean the same meaning; none that it could not be resolved."""

    reads: list[ColumnRead]
    digest: str | None


class LineageColumn(LineageRows):
    name: str
    # As DuckDB writes it; none if it is unknown.
    type: str | None


class LineageModel(TypedDict):
    uniqueId: str
    name: str
    resourceType: str
    file: str
    schema: str
    access: str
    dependsOn: list[str]
    columns: list[LineageColumn]
    rows: LineageRows
    # For the latest version of a model: the name without the version
    latestOf: NotRequired[str]
    # Why the columns could not be resolved: each is said to read every column of what the model reads.
    reason: NotRequired[str]


class LineageInput(TypedDict):
    """A source or a seed."""

    uniqueId: str
    name: str
    resourceType: str
    file: str
    columns: list[str]


class LineageReader(TypedDict):
    """Something at the end: an exposure, a metric, a semantic model or a data test. Without `reads`, it reads whole models."""

    uniqueId: str
    name: str
    resourceType: str
    dependsOn: list[str]
    reads: list[ColumnRead] | None
    owner: str | None
    url: str | None


class LineageQuery(TypedDict):
    name: str
    reads: list[ColumnRead]
    nodes: list[str]
    reason: NotRequired[str]


class LineageAnswer(Answer):
    models: list[LineageModel]
    inputs: list[LineageInput]
    readers: list[LineageReader]
    queries: list[LineageQuery]
    # What the project was read from, if it was read.
    readFrom: NotRequired[dict[str, object]]
    ms: Timings


class SourceIdentity(TypedDict):
    uniqueId: str
    # The source and its table
    source: str
    name: str
    # Relative to the dbt project's folder
    file: str


class SourceFreshness(SourceIdentity):
    """How old a source's data is, as `dbt source freshness` finds it."""

    # pass, warn, error, runtime error; missing: the database has no such table
    status: str
    # The newest moment in it (ISO 8601)
    newest: str | None
    ageSeconds: float | None
    message: str | None


class FreshnessAnswer(Answer):
    sources: list[SourceFreshness]
    ms: Timings
