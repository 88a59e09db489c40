"""Only one installation sends: copies, restored backups and strange machines are told apart from the right one."""

from __future__ import annotations

import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from digest.deliver.fence import Fence, Standing
from digest.errors import StateError


def standing(folder: Path, **changes: object) -> Standing:
    found = folder.stat()
    values = {"site": "s1", "campaign": 3, "attempts": 100, "identity": f"{found.st_dev}:{found.st_ino}"} | changes
    return Standing(place=str(folder), **values)  # type: ignore[arg-type] # fields of Standing


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "publication"
    made.mkdir()
    return made


@pytest.fixture
def fence(tmp_path: Path) -> Fence:
    return Fence(tmp_path / "outside" / "digest" / "s1.json")


def test_a_new_publication_arms_itself_and_goes_on(fence: Fence, folder: Path) -> None:
    fence.check(lambda: standing(folder, campaign=0, attempts=0))
    for campaign, attempts in ((1, 10), (1, 10), (1, 25), (2, 5)):
        fence.check(partial(standing, folder, campaign=campaign, attempts=attempts))


def test_on_another_machine_it_does_not_send(fence: Fence, folder: Path) -> None:
    with pytest.raises(StateError, match="not armed on this machine"):
        fence.check(lambda: standing(folder))
    fence.arm(standing(folder))
    fence.check(lambda: standing(folder))


def test_a_copied_folder_does_not_send_and_the_original_goes_on(fence: Fence, folder: Path, tmp_path: Path) -> None:
    fence.check(lambda: standing(folder, campaign=0))
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    with pytest.raises(StateError, match=f"a copy of the one at {folder}.*digest arm"):
        fence.check(lambda: standing(copy))
    fence.check(lambda: standing(folder))


def test_a_moved_folder_goes_on(fence: Fence, folder: Path, tmp_path: Path) -> None:
    fence.arm(standing(folder))
    moved = tmp_path / "moved"
    folder.rename(moved)
    fence.check(lambda: standing(moved))
    folder.mkdir()  # what stands there now is another one
    with pytest.raises(StateError, match="a copy of"):
        fence.check(lambda: standing(folder))


@pytest.mark.parametrize("older", [{"attempts": 99}, {"campaign": 2, "attempts": 5000}])
def test_a_restored_backup_does_not_send(fence: Fence, folder: Path, older: dict[str, int]) -> None:
    fence.arm(standing(folder))
    with pytest.raises(StateError, match="restored from a backup"):
        fence.check(lambda: standing(folder, **older))
    fence.arm(standing(folder, **older))  # what an operator decides
    fence.check(lambda: standing(folder, **older))


def test_another_publication_does_not_take_its_place(fence: Fence, folder: Path) -> None:
    fence.arm(standing(folder))
    with pytest.raises(StateError, match="another publication"):
        fence.check(lambda: standing(folder, site="s2"))


def test_without_an_identity_the_place_alone_counts(fence: Fence, folder: Path, tmp_path: Path) -> None:
    fence.arm(standing(folder, identity=""))
    fence.check(lambda: standing(folder, identity=""))
    with pytest.raises(StateError, match="a copy"):
        fence.check(lambda: replace(standing(folder, identity=""), place="elsewhere"))


def test_a_note_that_cannot_be_read_or_written_stops_sending(fence: Fence, folder: Path, tmp_path: Path) -> None:
    fence.arm(standing(folder))
    fence.file.write_text('{"site": "s1"}')
    with pytest.raises(StateError, match="not readable as armed"):
        fence.check(lambda: standing(folder))
    assert "not readable as armed" in str(fence.refusal(lambda: standing(folder)))
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match=r"set delivery\.site_file"):
        Fence(tmp_path / "file" / "s1.json").arm(standing(folder))
