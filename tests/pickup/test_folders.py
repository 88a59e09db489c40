"""Folders: what is taken, what waits, what goes aside; nothing twice, nothing lost."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from digest.errors import PickupError
from digest.jail import Jail
from digest.model import Intake, Source, SourceKind
from digest.pickup import Aside, Found, Reading, Taken, Waiting, files, look, pick_up

from .conftest import NOW

PAGE = "Crane arrives\n2021-05-03 10:00\nThe port has a new crane, which lifts twice as much as the old one.\n"
Pick = Callable[..., list[Found]]


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    folder = tmp_path / "home" / "in"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def pick(tmp_path: Path, drop: Path, jail: Jail) -> Pick:
    """Look at the folder once. Files are finished with at once, unless `keep`."""

    def picking(
        *, keep: bool = False, seen: dict[str, str] | None = None, now: datetime = NOW, **fields: Any
    ) -> list[Found]:
        source = Source(**{"key": "drop", "kind": SourceKind.FOLDER, "location": "in", **fields})
        found = []
        for each in pick_up(
            source, tmp_path / "home", seen=seen or {}, now=now, zone=UTC, jail=jail, aside=tmp_path / "aside"
        ):
            found.append(each)
            if isinstance(each, Taken) and not keep:
                each.done()
                each.done()
        return found

    return picking


def put(path: Path, text: str | bytes = PAGE, *, age: float = 60.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    stamp = NOW.timestamp() - age
    os.utime(path, (stamp, stamp))
    return path


def remembered(found: list[Found]) -> dict[str, str]:
    return {each.origin: each.signature for each in found if isinstance(each, Taken | Aside)}


def tree(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())


def test_a_folder_is_walked_by_name(drop: Path, pick: Pick) -> None:
    for name in (
        "b.txt", "a.TXT", "sub/deep/c.md", "README.md", "readme", "LICENSE.txt", "Notice-old.txt", ".hidden.txt", ".git/x.txt", "d.txt.part", "e.txt~", "#f.txt#",
        "g.tmp", "h.pdf", "i.txt.swp", "sub/License", "noticeboard.txt",
    ):  # fmt: skip
        put(drop / name)
    found = pick()
    assert [each.origin for each in found] == ["a.TXT", "b.txt", "noticeboard.txt", "sub/deep/c.md"]
    assert all(isinstance(each, Taken) for each in found)


def test_patterns_say_what_is_wanted(drop: Path, pick: Pick) -> None:
    for name in ("a.txt", "x/b.txt", "x/y/c1.txt", "x/y/c22.txt"):
        put(drop / name)
    assert [each.origin for each in pick(patterns=("*.txt",))] == ["a.txt"]
    assert [each.origin for each in pick(patterns=("x/**/*.txt",))] == ["x/b.txt", "x/y/c1.txt", "x/y/c22.txt"]
    assert [each.origin for each in pick(patterns=("**/c?.txt",))] == ["x/y/c1.txt"]
    assert [each.origin for each in pick(patterns=("x/**",))] == ["x/b.txt", "x/y/c1.txt", "x/y/c22.txt"]


def test_what_was_seen_is_not_even_opened(drop: Path, pick: Pick, monkeypatch: pytest.MonkeyPatch) -> None:
    put(drop / "a.txt")
    put(drop / "bad.json", "{")
    seen = remembered(pick())
    assert set(seen) == {"a.txt", "bad.json"}
    monkeypatch.setattr(os, "open", None)
    assert pick(seen=seen) == []


def test_an_edited_file_comes_again_under_the_same_id(drop: Path, pick: Pick) -> None:
    put(drop / "a.txt")
    first = pick()
    put(drop / "a.txt", PAGE.replace("twice", "thrice"), age=30)
    (again,) = pick(seen=remembered(first))
    assert isinstance(first[0], Taken)
    assert isinstance(again, Taken)
    assert first[0].articles[0].uid == again.articles[0].uid
    assert first[0].articles[0].content_hash != again.articles[0].content_hash
    assert again.signature != first[0].signature


def test_a_file_still_growing_waits(drop: Path, pick: Pick) -> None:
    put(drop / "a.txt", age=1)
    (waiting,) = pick()
    assert isinstance(waiting, Waiting)
    assert "growing" in waiting.reason
    assert isinstance(pick(now=NOW + timedelta(seconds=5))[0], Taken)


def test_a_file_of_tomorrow_does_not_wait_for_ever(drop: Path, pick: Pick) -> None:
    put(drop / "a.txt", age=-86_400)
    assert isinstance(pick()[0], Taken)


def test_a_file_that_changes_while_it_is_read_waits(drop: Path, pick: Pick, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(drop / "a.txt")
    read = files.snapshot

    def written_to(descriptor: int) -> files.Snapshot:
        shot = read(descriptor)
        path.write_text("more")
        return files.Snapshot(data=shot.data, before=shot.before, after=os.fstat(descriptor))

    monkeypatch.setattr("digest.pickup.folder.snapshot", written_to)
    (waiting,) = pick()
    assert isinstance(waiting, Waiting)
    assert "changed while" in waiting.reason


def test_a_bad_file_is_copied_aside_with_its_error_until_it_is_mended(drop: Path, pick: Pick, tmp_path: Path) -> None:
    put(drop / "sub/bad.json", '{"title": \n oops}')
    put(drop / "good.txt")
    found = pick()
    (aside,) = [each for each in found if isinstance(each, Aside)]
    assert (aside.origin, aside.error.where, aside.error.line) == ("sub/bad.json", "sub/bad.json", 2)
    assert len([each for each in found if isinstance(each, Taken)]) == 1
    assert tree(tmp_path / "aside") == ["drop/sub/bad.json", "drop/sub/bad.json.error.txt"]
    note = (tmp_path / "aside/drop/sub/bad.json.error.txt").read_text("utf-8")
    assert "sub/bad.json:2: not JSON" in note
    assert "mend the line" in note
    assert (drop / "sub/bad.json").exists()
    seen = remembered(found)
    assert pick(seen=seen) == []
    put(drop / "sub/bad.json", '{"title": "x", "text": "y"}', age=30)
    assert isinstance(pick(seen=seen)[0], Taken)
    assert tree(tmp_path / "aside") == []


@pytest.mark.parametrize("intake", list(Intake))
def test_empty_and_oversized_files_go_aside(intake: Intake, drop: Path, pick: Pick) -> None:
    put(drop / "empty.txt", "")
    put(drop / "huge.txt", b"x" * 10_000_001)
    found = pick(intake=intake)
    assert [type(each) for each in found] == [Aside, Aside]


def test_entries_that_fail_are_told_beside_those_that_do_not(drop: Path, pick: Pick) -> None:
    put(drop / "list.json", '[{"title": "A", "text": "x"}, 7]')
    (taken,) = pick()
    assert isinstance(taken, Taken)
    assert len(taken.articles) == 1
    assert [problem.where for problem in taken.problems] == ["list.json, entry 2"]


def test_links_inside_are_read_and_links_out_are_refused(drop: Path, pick: Pick, tmp_path: Path) -> None:
    secret = put(tmp_path / "secret.txt")
    put(tmp_path / "home/elsewhere/real.txt")
    (drop / "inside.txt").symlink_to(tmp_path / "home/elsewhere/real.txt")
    (drop / "outside.txt").symlink_to(secret)
    (drop / "dangling.txt").symlink_to(tmp_path / "nowhere")
    (drop / "folder").symlink_to(tmp_path / "home/elsewhere")
    found = pick()
    assert [(each.origin, type(each)) for each in found] == [
        ("dangling.txt", Aside),
        ("inside.txt", Taken),
        ("outside.txt", Aside),
    ]
    assert tree(tmp_path / "aside") == []
    assert [each.origin for each in pick(seen=remembered(found))] == []


def test_what_is_no_file_is_refused(drop: Path, pick: Pick) -> None:
    os.mkfifo(drop / "pipe.txt")
    os.utime(drop / "pipe.txt", (1, 1))
    (aside,) = pick()
    assert isinstance(aside, Aside)
    assert aside.error.what == "not a file"


def test_a_file_that_vanishes_or_cannot_be_opened(drop: Path, pick: Pick, monkeypatch: pytest.MonkeyPatch) -> None:
    put(drop / "a.txt")

    def vanished(path: Path, home: Path) -> int:
        raise FileNotFoundError(path)

    def locked(path: Path, home: Path) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("digest.pickup.folder.open_inside", vanished)
    assert pick() == []
    monkeypatch.setattr("digest.pickup.folder.open_inside", locked)
    (aside,) = pick()
    assert isinstance(aside, Aside)
    assert "Permission denied" in aside.error.what

    def gone(path: Path, home: Path) -> int:
        path.unlink()
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("digest.pickup.folder.open_inside", gone)
    assert pick() == []


@pytest.mark.parametrize("location", ["../out", "/etc", "missing", "in\x00x", "link"])
def test_a_source_must_be_there_and_inside(location: str, drop: Path, pick: Pick, tmp_path: Path) -> None:
    (tmp_path / "home/link").symlink_to(tmp_path)
    (tmp_path / "out").mkdir()
    with pytest.raises(PickupError) as caught:
        pick(location=location)
    assert "drop" in caught.value.what
    assert caught.value.remedy


def test_a_source_must_be_of_its_kind(drop: Path, pick: Pick) -> None:
    put(drop / "a.txt")
    with pytest.raises(PickupError, match="a feed must be a file"):
        pick(kind=SourceKind.FEED)
    with pytest.raises(PickupError, match="a folder is expected"):
        pick(location="in/a.txt")


def test_a_feed_from_a_file(drop: Path, pick: Pick) -> None:
    path = put(
        drop / "feed.xml",
        '<rss version="2.0"><channel><title>F</title><item><title>A</title><guid>1</guid></item></channel></rss>',
    )
    (taken,) = pick(kind=SourceKind.FEED, location="in/feed.xml")
    assert isinstance(taken, Taken)
    assert [article.id for article in taken.articles] == ["1"]
    assert pick(kind=SourceKind.FEED, location="in/feed.xml", seen=remembered([taken])) == []
    assert path.exists()


def test_looking_moves_and_keeps_nothing(
    drop: Path, tmp_path: Path, jail: Jail, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(drop / "a.txt")
    put(drop / "bad.json", "{")
    source = Source(key="drop", kind=SourceKind.FOLDER, location="in", intake=Intake.CLAIM)
    found = dict(look(source, tmp_path / "home", now=NOW, zone=UTC, jail=jail))
    assert isinstance(found["a.txt"], Reading)
    assert isinstance(found["bad.json"], PickupError)
    assert tree(drop) == ["a.txt", "bad.json"]
    (drop / "a.txt").unlink()
    (drop / "a.txt").symlink_to("nowhere")
    found = dict(look(source, tmp_path / "home", now=NOW, zone=UTC, jail=jail))
    assert "cannot be read" in str(found["a.txt"])
    feed = Source(key="feed", kind=SourceKind.FEED, location="in/bad.json")
    assert [origin for origin, _ in look(feed, tmp_path / "home", now=NOW, zone=UTC, jail=jail)] == ["bad.json"]


# Claiming.


def test_claimed_files_move_on_once_they_are_stored(drop: Path, pick: Pick) -> None:
    put(drop / "sub/a.txt")
    put(drop / "b.txt")
    found = pick(intake=Intake.CLAIM)
    assert [each.origin for each in found] == ["b.txt", "sub/a.txt"]
    assert tree(drop) == ["taken/b.txt", "taken/sub/a.txt"]
    assert pick(intake=Intake.CLAIM) == []


def test_claiming_waits_and_puts_aside_too(drop: Path, pick: Pick, tmp_path: Path) -> None:
    put(drop / "new.txt", age=0.5)
    put(drop / "bad.json", "{")
    (drop / "link.txt").symlink_to(put(tmp_path / "secret.txt"))
    found = pick(intake=Intake.CLAIM)
    assert [(each.origin, type(each)) for each in found] == [
        ("bad.json", Aside),
        ("link.txt", Aside),
        ("new.txt", Waiting),
    ]
    put(drop / "bad.json", "[")
    assert isinstance(pick(intake=Intake.CLAIM)[0], Aside)
    assert tree(drop) == ["new.txt"]
    assert tree(tmp_path / "aside") == [
        "drop/bad.json", "drop/bad.json.error.txt", "drop/bad~2.json", "drop/bad~2.json.error.txt", "drop/link.txt", "drop/link.txt.error.txt",
    ]  # fmt: skip
    assert (tmp_path / "secret.txt").exists()


def test_the_same_name_twice_loses_nothing(drop: Path, pick: Pick, monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("One", "Two", "Three"):
        put(drop / "a.txt", PAGE.replace("Crane", text))
        assert len(pick(intake=Intake.CLAIM)) == 1
        if text == "Two":  # as on a file system without hard links

            def unsupported(*_: object) -> None:
                raise OSError(95, "Operation not supported")

            monkeypatch.setattr(os, "link", unsupported)
    texts = {path.read_text().split()[0] for path in (drop / "taken").iterdir()}
    assert texts == {"One", "Two", "Three"}


def test_a_crash_before_storing_loses_nothing(drop: Path, pick: Pick) -> None:
    put(drop / "sub/a~b.txt")
    (first,) = pick(intake=Intake.CLAIM, keep=True)
    assert isinstance(first, Taken)
    assert tree(drop)[0].startswith("taking/sub/")
    assert pick(intake=Intake.CLAIM) == []  # its holder lives
    del first  # as if the process had died: the lock goes with it
    (again,) = pick(intake=Intake.CLAIM)
    assert isinstance(again, Taken)
    assert again.origin == "sub/a~b.txt"
    assert tree(drop) == ["taken/sub/a~b.txt"]


def test_a_crash_between_two_steps_of_finishing_loses_nothing(drop: Path, pick: Pick) -> None:
    put(drop / "a.txt")
    (first,) = pick(intake=Intake.CLAIM, keep=True)
    (drop / "taken").mkdir()
    (waiting_file,) = (drop / "taking").iterdir()
    os.link(waiting_file, drop / "taken" / "a.txt")  # died after the link, before the unlink
    uid = first.articles[0].uid if isinstance(first, Taken) else ""
    del first
    (again,) = pick(intake=Intake.CLAIM)
    assert isinstance(again, Taken)
    assert again.articles[0].uid == uid
    assert list((drop / "taking").iterdir()) == []


def test_others_are_quicker(drop: Path, pick: Pick, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(drop / "a.txt")
    rename = Path.rename

    def too_late(self: Path, target: Path) -> Path:
        path.unlink()
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", too_late)
    assert pick(intake=Intake.CLAIM) == []


def test_a_leftover_that_is_finished_while_we_look(drop: Path, pick: Pick, monkeypatch: pytest.MonkeyPatch) -> None:
    leftover = put(drop / "taking" / "ab-cd~a.txt")
    flock = fcntl.flock

    def finished(descriptor: int, how: int) -> None:
        flock(descriptor, how)
        leftover.unlink(missing_ok=True)

    monkeypatch.setattr(fcntl, "flock", finished)
    assert pick(intake=Intake.CLAIM) == []
    monkeypatch.setattr("digest.pickup.claim._leftovers", lambda _: [leftover])
    assert pick(intake=Intake.CLAIM) == []


def test_a_claimed_file_that_is_written_to_or_unreadable_waits(
    drop: Path, pick: Pick, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(drop / "a.txt")
    read = files.snapshot

    def written_to(descriptor: int) -> files.Snapshot:
        shot = read(descriptor)
        return files.Snapshot(data=shot.data + b"more", before=shot.before, after=shot.after)

    def failing(descriptor: int) -> files.Snapshot:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("digest.pickup.claim.snapshot", written_to)
    (waiting,) = pick(intake=Intake.CLAIM)
    assert isinstance(waiting, Waiting)
    monkeypatch.setattr("digest.pickup.claim.snapshot", failing)
    (waiting,) = pick(intake=Intake.CLAIM)
    assert isinstance(waiting, Waiting)
    assert "Input/output error" in waiting.reason
    monkeypatch.setattr("digest.pickup.claim.snapshot", read)
    assert isinstance(pick(intake=Intake.CLAIM)[0], Taken)


RACER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from digest.jail import Jail
from digest.model import Intake, Source, SourceKind
from digest.pickup import Taken, pick_up
home = Path(sys.argv[1])
source = Source(key="drop", kind=SourceKind.FOLDER, location="in", intake=Intake.CLAIM)
with Jail() as jail:
    for _ in range(20):
        for each in pick_up(source, home, seen={}, now=datetime(2021, 6, 1, 12, tzinfo=UTC), zone=UTC, jail=jail, aside=home / "aside"):
            if isinstance(each, Taken):
                print(each.origin, flush=True)
                each.done()
"""


@pytest.fixture
def racers(drop: Path) -> Iterator[list[subprocess.Popen[str]]]:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, str(drop.parent)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        for _ in range(2)
    ]
    yield processes
    for process in processes:
        process.kill()
        process.communicate()


def test_two_processes_never_take_the_same_file(drop: Path, racers: list[subprocess.Popen[str]]) -> None:
    for number in range(150):
        put(drop / f"{number:03}.txt.part")
        (drop / f"{number:03}.txt.part").rename(drop / f"{number:03}.txt")
    taken: list[str] = []
    for process in racers:
        out, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        taken += out.split()
    assert len(taken) == len(set(taken))
    left = {path.name for path in drop.glob("*.txt")}
    assert set(taken) | left == {f"{number:03}.txt" for number in range(150)}
    assert len(list((drop / "taken").iterdir())) == len(taken)
