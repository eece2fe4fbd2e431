"""
Edits a dbt project at random, and after each edit compares the manifest that the engine parses incrementally with one
that dbt parses from scratch. Prints one JSON document: how many edits were compared, of which kinds, and the first
difference.

    python parse_equivalence.py ENGINE_FOLDER PROJECT_DIR PROFILES_DIR TARGET_PATH SEED EDITS
"""

from __future__ import annotations

import json
import os
import random
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

engine, project_dir, profiles_dir, target_path, seed, edits = sys.argv[1:]
sys.path.insert(0, engine)

from meetup_engine.dbt_patches import registry  # noqa: E402
from meetup_engine.protocol import events  # noqa: E402

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

    from meetup_engine.project.project import Project

# Keys whose values differ between two parses of the same files.
VOLATILE = {
    "created_at",
    "generated_at",
    "invocation_id",
    "invocation_started_at",
    "modification_time",
    "contents",
    "pp_dict",
    "pp_test_index",
}


def plain(value: object) -> object:
    if isinstance(value, dict):
        return {str(key): plain(member) for key, member in value.items() if key not in VOLATILE}
    if isinstance(value, (list, tuple)):
        return [plain(member) for member in value]
    return value


def snapshot(manifest: Manifest) -> object:
    """The parts of a manifest that only depend on its files. Lists whose order depends on the parse are sorted."""
    whole = json.loads(json.dumps(manifest.writable_manifest().to_dict(omit_none=False), default=str, sort_keys=True))
    whole.pop("metadata")
    for maps in ("parent_map", "child_map"):
        whole[maps] = {key: sorted(members) for key, members in whole[maps].items()}
    for kind in ("nodes", "macros", "unit_tests"):
        for node in whole[kind].values():
            for members in (node.get("depends_on") or {}).values():
                members.sort()
    return plain(whole)


def first_difference(left: object, right: object, path: str = "") -> str | None:
    if isinstance(left, dict) and isinstance(right, dict):
        for key in sorted(left.keys() | right.keys()):
            if key not in left or key not in right:
                return f"{path}/{key}: only {'warm' if key in left else 'cold'}"
            found = first_difference(left[key], right[key], f"{path}/{key}")
            if found:
                return found
        return None
    return None if left == right else f"{path}: warm {left!r}, cold {right!r}"


class Editor:
    """Makes random edits to the files of the tiny project."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.extra = 0
        self.undo: dict[str, str] = {}

    def path(self, name: str) -> str:
        return os.path.normpath(os.path.join(project_dir, name))

    def read(self, name: str) -> str:
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def write(self, name: str, text: str) -> None:
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def edits(self) -> list[Callable[[], None]]:
        return [
            self.comment,
            self.change_model,
            self.describe,
            self.add_test,
            self.new_model,
            self.remove_model,
            self.change_macro,
            self.use_macro,
            self.break_model,
            self.break_yaml,
            self.missing_reference,
            self.move_model,
        ]

    def comment(self) -> None:
        self.write("models/total.sql", self.read("models/total.sql") + f"\n-- {self.chance.random()}")

    def change_model(self) -> None:
        factor = self.chance.randint(2, 99)
        self.write("models/doubled.sql", f"select id, amount * {factor} as amount from {{{{ ref('numbers') }}}}")

    def describe(self) -> None:
        self.yaml(f"the numbers, {self.chance.random()}", "unique, not_null")

    def add_test(self) -> None:
        self.yaml("the numbers", self.chance.choice(["unique", "not_null", "unique, not_null", "not_null, unique"]))

    def yaml(self, description: str, tests: str) -> None:
        self.write(
            "models/models.yml",
            f"models:\n  - name: numbers\n    description: '{description}'\n"
            f"    columns: [{{name: id, data_tests: [{tests}]}}]\n"
            "  - name: doubled\n    columns: [{name: amount, data_tests: [not_null]}]\n",
        )

    def new_model(self) -> None:
        self.extra += 1
        upstream = self.chance.choice(["numbers", "doubled", "total"])
        self.write(f"models/extra_{self.extra}.sql", f"select * from {{{{ ref('{upstream}') }}}}")

    def extras(self) -> list[str]:
        found: list[str] = []
        for folder, _, names in os.walk(self.path("models")):
            found += [os.path.join(folder, name) for name in names if name.startswith("extra_")]
        return sorted(found)

    def remove_model(self) -> None:
        for path in self.extras()[:1]:
            os.unlink(path)

    def move_model(self) -> None:
        for path in self.extras()[:1]:
            os.makedirs(self.path("models/moved"), exist_ok=True)
            os.replace(path, self.path(f"models/moved/{os.path.basename(path)}"))

    def change_macro(self) -> None:
        self.write(
            "macros/scale.sql", f"{{% macro scale(x) %}}{{{{ x }}}} * {self.chance.randint(1, 99)}{{% endmacro %}}"
        )

    def use_macro(self) -> None:
        if os.path.exists(self.path("macros/scale.sql")):
            self.write("models/total.sql", "select sum({{ scale('amount') }}) as total from {{ ref('doubled') }}")

    def break_model(self) -> None:
        self.break_file("models/total.sql", "select {{ oh dear }}")

    def missing_reference(self) -> None:
        self.break_file("models/total.sql", "select * from {{ ref('nowhere') }}")

    def break_yaml(self) -> None:
        self.break_file("models/models.yml", "models:\n  - name: numbers\n   columns: []\n")

    def break_file(self, name: str, text: str) -> None:
        self.undo[name] = self.read(name)
        self.write(name, text)

    def undo_breakage(self) -> None:
        for name, text in self.undo.items():
            self.write(name, text)
        self.undo = {}


def main() -> None:
    events.install()
    registry.install()
    from dbt_common.exceptions import DbtBaseException

    from meetup_engine.project.project import Project, settings_from

    def session(folder: str) -> Project:
        return Project(
            settings_from(
                {
                    "projectDir": project_dir,
                    "profilesDir": profiles_dir,
                    "targetPath": os.path.join(target_path, folder),
                    "logPath": target_path,
                    "target": "dev",
                }
            )
        )

    chance = random.Random(int(seed))
    editor = Editor(chance)
    warm, cold = session("warm"), session("cold")
    warm.refresh()
    compared, refused = 0, 0
    kinds: dict[str, int] = {}
    for _ in range(int(edits)):
        for _ in range(chance.choice([1, 1, 1, 2, 3])):
            edit = chance.choice(editor.edits())
            kinds[edit.__name__] = kinds.get(edit.__name__, 0) + 1
            edit()
        try:
            warm.refresh()
            warm_snapshot = snapshot(warm.manifest)
        except DbtBaseException:
            refused += 1
            warm_snapshot = None
        try:
            cold.refresh(full=True)
            cold_snapshot = snapshot(cold.manifest)
        except DbtBaseException:
            cold_snapshot = None
        difference = (
            first_difference(warm_snapshot, cold_snapshot)
            if warm_snapshot is not None and cold_snapshot is not None
            else None
            if warm_snapshot is cold_snapshot
            else f"only the {'warm' if warm_snapshot is None else 'cold'} parse was refused"
        )
        if difference:
            print(json.dumps({"compared": compared, "kinds": kinds, "difference": difference}))
            return
        compared += 1
        editor.undo_breakage()
    print(json.dumps({"compared": compared, "refused": refused, "kinds": kinds, "difference": None}))


main()
