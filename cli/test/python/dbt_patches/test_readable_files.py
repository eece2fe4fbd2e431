"""An unreadable file is reported with the reason, and no file is opened that could block."""

import os
import pathlib
from collections.abc import Iterator

import pytest

from meetup_engine.dbt_patches.readable_files import UnreadableFile, find_matching, read_text

NOBODY = 65534


@pytest.fixture
def no_privileges() -> Iterator[None]:
    """Continues the test as another user if it runs as the superuser, who may read everything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    project = tmp_path_factory.mktemp("project")
    for above in (project, *project.parents):
        if above.stat().st_uid == os.geteuid() and above != pathlib.Path("/"):
            above.chmod(above.stat().st_mode | 0o055)
    (project / "models").mkdir()
    return project


def found(folder: pathlib.Path) -> list[str]:
    return sorted(match["relative_path"] for match in find_matching(str(folder), ["models"], "[!.#~]*.sql"))


def test_a_file_without_read_permission_is_reported(folder: pathlib.Path, request: pytest.FixtureRequest) -> None:
    path = folder / "models" / "secret.sql"
    path.write_text("select 1")
    path.chmod(0)
    request.getfixturevalue("no_privileges")
    with pytest.raises(UnreadableFile, match=r"secret\.sql can't be read: permission denied\."):
        read_text(str(path))


def test_a_folder_that_cannot_be_listed_is_an_error(folder: pathlib.Path, request: pytest.FixtureRequest) -> None:
    hidden = folder / "models" / "hidden"
    hidden.mkdir()
    (hidden / "model.sql").write_text("select 1")
    hidden.chmod(0)
    request.getfixturevalue("no_privileges")
    try:
        with pytest.raises(UnreadableFile, match=r"hidden can't be read: permission denied\."):
            found(folder)
    finally:
        if os.getuid() == 0:
            os.seteuid(0)
        hidden.chmod(0o755)


def test_a_configured_folder_that_does_not_exist_counts_as_empty(folder: pathlib.Path) -> None:
    (folder / "models").rmdir()
    assert found(folder) == []


def test_hidden_files_and_editor_locks_are_ignored(folder: pathlib.Path) -> None:
    models = folder / "models"
    (models / ".#model.sql").symlink_to("someone@somewhere.1")
    (models / "#model.sql#").write_text("autosaved")
    (models / "model.sql").write_text("select 1")
    assert found(folder) == ["model.sql"]


def test_symbolic_links_to_folders_are_not_followed_as_in_dbt(folder: pathlib.Path) -> None:
    (folder / "models" / "again").symlink_to(".")
    (folder / "models" / "model.sql").write_text("select 1")
    assert found(folder) == ["model.sql"]
