"""dbt's manifest loader, but with the last manifest from memory instead of a file."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import dbt.parser.manifest as dbt_manifest
from dbt.contracts.files import SchemaSourceFile
from dbt.contracts.graph.manifest import ParsingInfo
from dbt.exceptions import ParsingError
from dbt.parser.manifest import ManifestLoader, extended_mashumaro_encoder
from dbt_common.invocation import get_invocation_id

from meetup_engine.project.dynamic_macros import add_unlisted_dependencies
from meetup_engine.project.metric_problems import invalid_metrics

if TYPE_CHECKING:
    from dbt.config.runtime import RuntimeConfig
    from dbt.contracts.graph.manifest import Manifest

    from meetup_engine.project.files import Reader


class FullParseNeeded(Exception):
    """dbt's partial parser gave up, and the manifest that it worked on is unusable."""


LOOKUPS = (
    "_doc_lookup",
    "_source_lookup",
    "_ref_lookup",
    "_metric_lookup",
    "_saved_query_lookup",
    "_semantic_model_by_measure_lookup",
    "_disabled_lookup",
    "_analysis_lookup",
    "_singular_test_lookup",
    "_function_lookup",
    "_macros_by_name",
    "_macros_by_package",
)


def as_if_from_disk(manifest: Manifest) -> None:
    """Removes what a manifest accumulates in use, and what dbt's partial_parse.msgpack would not contain."""
    for name in LOOKUPS:
        setattr(manifest, name, None)
    manifest._parsing_info = ParsingInfo()
    manifest.source_patches = {}
    for source in manifest.files.values():
        if isinstance(source, SchemaSourceFile):
            source.pp_dict = None
            source.pp_test_index = None


class WarmLoader(ManifestLoader):
    """Starts from `kept` (the manifest in memory), from dbt's file (`from_disk`), or from scratch."""

    def __init__(
        self,
        root_project: RuntimeConfig,
        all_projects: Mapping[str, RuntimeConfig],
        macro_hook: Callable[[Manifest], Any],
        *,
        reader: Reader,
        kept: Manifest | None,
        from_disk: bool,
    ) -> None:
        self._reader = reader
        self._kept = kept
        self._from_disk = from_disk
        super().__init__(root_project, all_projects, macro_hook)

    def read_manifest_for_partial_parse(self) -> Manifest | None:
        if self._kept is None:
            return super().read_manifest_for_partial_parse() if self._from_disk else None
        parsable, _ = self.is_partial_parsable(self._kept)
        if not parsable:
            return None
        as_if_from_disk(self._kept)
        self._kept.metadata.generated_at = datetime.now(timezone.utc).replace(tzinfo=None)
        self._kept.metadata.invocation_id = get_invocation_id()
        return self._kept

    def safe_update_project_parser_files_partially(self, project_parser_files: dict[str, Any]) -> dict[str, Any]:
        if self.saved_manifest is not None:
            adapter_type = self.root_project.credentials.type
            if not add_unlisted_dependencies(self.saved_manifest, self.manifest.files, adapter_type):
                raise FullParseNeeded()
        chosen = super().safe_update_project_parser_files_partially(project_parser_files)
        if self.saved_manifest is not None and not self.partially_parsing and not self.skip_parsing:
            raise FullParseNeeded()
        return chosen

    def skip_partial_parsing_because_of_macros(self) -> bool:
        if super().skip_partial_parsing_because_of_macros():
            raise FullParseNeeded()
        return False

    def write_manifest_for_partial_parse(self) -> None:
        """Does nothing: the engine writes the manifest when it is idle."""

    def write_to(self, path: str, given: Mapping[str, object]) -> None:
        """
        Atomically saves the manifest for the engine's next start, and next to it the inputs of the parse, with a reference to
        that manifest.
        """
        os.makedirs(os.path.dirname(path), exist_ok=True)
        temporary = f"{path}.{os.getpid()}.tmp"
        with open(temporary, "wb") as file:
            file.write(self.manifest.to_msgpack(extended_mashumaro_encoder))
        stat = os.stat(temporary)
        beside = f"{path}.json.{os.getpid()}.tmp"
        with open(beside, "w", encoding="utf-8") as file:
            json.dump({"of": [stat.st_mtime_ns, stat.st_size], **given}, file)
        os.replace(beside, f"{path}.json")
        os.replace(temporary, path)

    def load(self) -> Manifest:
        chosen = vars(dbt_manifest)["ReadFilesFromFileSystem"]
        vars(dbt_manifest)["ReadFilesFromFileSystem"] = lambda **_: self._reader
        try:
            return super().load()
        except ParsingError as error:
            raise invalid_metrics(self.manifest) or error from error
        finally:
            vars(dbt_manifest)["ReadFilesFromFileSystem"] = chosen
