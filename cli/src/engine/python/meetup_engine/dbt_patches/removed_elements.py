"""
Removes what a YAML file no longer declares. When a model's own YAML changes, dbt schedules the unit tests, exposures and others that refer to it
with their old text. If their file comes later and no longer has them, dbt forgets to take them from its list, and they come back.
"""

from __future__ import annotations

from dbt.contracts.files import SchemaSourceFile
from dbt.parser.partial import PartialParsing

from meetup_engine.dbt_patches.patch import Patch, Replacement, Symbol

_change_schema_file = PartialParsing.change_schema_file


def change_schema_file(self: PartialParsing, file_id: str) -> None:
    """dbt's method; afterwards, only what the file declares is scheduled."""
    _change_schema_file(self, file_id)
    file = self.saved_files[file_id]
    if isinstance(file, SchemaSourceFile) and file.pp_dict:
        declared = file.dict_from_yaml
        for kind, scheduled in file.pp_dict.items():
            if not isinstance(scheduled, list):  # such as `version: 2`
                continue
            names = {element.get("name") for element in declared.get(kind) or () if isinstance(element, dict)}
            file.pp_dict[kind] = [element for element in scheduled if element["name"] in names]


PATCH = Patch(
    name="removed_elements",
    why="a unit test that is removed together with a change of its model's YAML, as when branches are switched, comes back",
    gain="not speed: what was removed stays away",
    replaces=(
        Replacement(
            Symbol("dbt.parser.partial:PartialParsing.change_schema_file", "cb96f8d104dad5a0"), change_schema_file
        ),
    ),
)
