"""These tests fail when a new version of dbt changes something that the engine replaces or relies on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from meetup_engine.dbt_patches import registry
from meetup_engine.dbt_patches.patch import Patch, Symbol, source_digest

ENGINE = Path(registry.__file__).parents[2]


def _symbols() -> list[tuple[str, Symbol]]:
    found = [
        (f"dbt_patches/{patch.name}.py", replaced.symbol) for patch in registry.PATCHES for replaced in patch.replaces
    ]
    found += [(f"dbt_patches/{patch.name}.py", symbol) for patch in registry.PATCHES for symbol in patch.relies_on]
    found += [(module, symbol) for module, symbols in registry.RELIED_ON.items() for symbol in symbols]
    return found


@pytest.mark.parametrize(
    ("module", "symbol"), [pytest.param(*found, id=f"{found[0]}-{found[1].path}") for found in _symbols()]
)
def test_the_source_of_a_symbol_in_dbt_is_unchanged(module: str, symbol: Symbol) -> None:
    found = source_digest(symbol.resolve())
    assert found == symbol.source, (
        f"dbt changed {symbol.path}. Compare its new source with meetup_engine/{module}, which was written for the old one; "
        f"once they fit together, replace {symbol.source} by {found} there or in dbt_patches/registry.py."
    )


@pytest.mark.parametrize("patch", registry.PATCHES, ids=lambda patch: patch.name)
def test_a_patch_documents_its_reason_and_gain(patch: Patch) -> None:
    assert (ENGINE / "meetup_engine/dbt_patches" / f"{patch.name}.py").exists()
    assert len(patch.why) > 20
    assert len(patch.gain) > 10
    assert patch.replaces or patch.relies_on


@pytest.mark.parametrize("module", registry.RELIED_ON)
def test_a_module_that_relies_on_private_symbols_exists(module: str) -> None:
    assert (ENGINE / "meetup_engine" / module).exists()


def test_every_module_of_a_patch_is_registered() -> None:
    helpers = {"__init__", "patch", "registry", "unit_test_outline"}
    modules = {path.stem for path in (ENGINE / "meetup_engine/dbt_patches").glob("*.py")}
    assert modules - helpers == {patch.name for patch in registry.PATCHES}


def test_installing_twice_replaces_every_symbol_once() -> None:
    # Runs in another process because the other tests compare the replacements with dbt's own functions.
    script = """
import sys
sys.path.insert(0, sys.argv[1])
from meetup_engine.dbt_patches import registry
replaced = [item for patch in registry.PATCHES for item in patch.replaces]
originals = [item.symbol.resolve() for item in replaced]
registry.install()
registry.install()
for item, original in zip(replaced, originals, strict=True):
    now = item.symbol.resolve()
    assert now is item.replacement, item.symbol.path
    assert now is not original, item.symbol.path
print(len(replaced))
"""
    done = subprocess.run([sys.executable, "-c", script, str(ENGINE)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == sum(len(patch.replaces) for patch in registry.PATCHES)
