"""
All patches of dbt, and all private symbols of dbt that the engine relies on.

A test (cli/test/python/dbt_patches/test_symbols.py) fails when dbt changes one of these symbols. Then compare dbt's new source
with the code that relies on it, adapt that code, and update the digest.
"""

from __future__ import annotations

import dbt.adapters.factory  # noqa: F401 - dbt has circular imports; after this one, all modules can be imported

from meetup_engine.dbt_patches import (
    calls,
    config_validation,
    context_modules,
    cte_injection,
    database_name,
    early_database,
    flat_graph,
    late_events,
    late_files,
    logged_statements,
    macro_namespaces,
    name_contexts,
    readable_files,
    relation_listing,
    removed_elements,
    template_compilation,
    type_testers,
    unit_test_columns,
    written_rows,
    yaml_schemas,
)
from meetup_engine.dbt_patches.patch import Patch, Symbol

PATCHES: tuple[Patch, ...] = (
    config_validation.PATCH,
    yaml_schemas.PATCH,
    template_compilation.PATCH,
    late_events.PATCH,
    macro_namespaces.PATCH,
    type_testers.PATCH,
    context_modules.PATCH,
    cte_injection.PATCH,
    relation_listing.PATCH,
    name_contexts.PATCH,
    flat_graph.PATCH,
    late_files.PATCH,
    early_database.PATCH,
    readable_files.PATCH,
    removed_elements.PATCH,
    database_name.PATCH,
    unit_test_columns.PATCH,
    calls.PATCH,
    written_rows.PATCH,
    logged_statements.PATCH,
)

# Private symbols of dbt, by the module that relies on them.
RELIED_ON: dict[str, tuple[Symbol, ...]] = {
    "build/data_tests.py": (
        Symbol("dbt.utils.utils:_coerce_decimal", "cba05b974c3a06e5"),
        Symbol("dbt.task.test:TestRunner.execute_data_test", "eabd8c06518775f7"),
        Symbol("dbt.task.test:TestRunner.compile", "35b41ce027c49e84"),
    ),
    "build/runners.py": (
        Symbol("dbt.task.test:TestRunner.build_unit_test_run_result", "e759e418e00d6231"),
        Symbol("dbt.task.runnable:GraphRunnableTask.call_runner", "023eb52fcbf7717a"),
        Symbol("dbt.task.runnable:GraphRunnableTask.execute_with_hooks", "e41dd3e6664df7c1"),
        Symbol("dbt.task.runnable:GraphRunnableTask.create_schemas", "2095fc9c2abdb41b"),
    ),
    "build/affected.py": (
        Symbol("dbt.task.build:BuildTask", "0b13dc271f494d25"),
        Symbol("dbt.task.runnable:GraphRunnableTask._runtime_initialize", "27f98d72c1968e5e"),
    ),
    "project/loader.py": (
        Symbol("dbt.parser.manifest:ManifestLoader.load", "65d0c3ddf3b74578"),
        Symbol("dbt.parser.manifest:ManifestLoader.safe_update_project_parser_files_partially", "42f98b78217668cb"),
        Symbol("dbt.parser.manifest:ManifestLoader.skip_partial_parsing_because_of_macros", "23750b6349b0eb61"),
        Symbol("dbt.parser.manifest:ManifestLoader.read_manifest_for_partial_parse", "77d0baf95301b6bd"),
        Symbol("dbt.parser.manifest:ManifestLoader.write_manifest_for_partial_parse", "e5deecac4d6b2fb9"),
        Symbol("dbt.parser.partial:PartialParsing", "b6ca33713fda77d5"),
    ),
    "project/files.py": (Symbol("dbt.parser.read_files:ReadFilesFromFileSystem", "7d224c0417f0ddcc"),),
    "project/metrics.py": (
        Symbol(
            "dbt.contracts.graph.semantic_manifest:SemanticManifest._get_pydantic_semantic_manifest", "1a0469db83ea5b48"
        ),
    ),
    "project/project.py": (
        Symbol("dbt.parser.manifest:_check_resource_uniqueness", "67ee175981e9dd5c"),
        Symbol("dbt.parser.manifest:_warn_for_unused_resource_config_paths", "2208135ed77e0b2d"),
    ),
    "unit_tests/columns.py": (Symbol("dbt.compilation:Compiler._write_node", "8e1ee55da176749d"),),
    "unit_tests/compiling.py": (Symbol("dbt.parser.unit_tests:UnitTestManifestLoader", "7cdc11f89258b14e"),),
    "unit_tests/memory.py": (Symbol("dbt.adapters.duckdb.environments.local:LocalEnvironment", "5d8929cedbda91a8"),),
}

_installed = False


def install() -> None:
    """Installs every patch, once per process."""
    global _installed
    if not _installed:
        _installed = True
        for patch in PATCHES:
            patch.install()
