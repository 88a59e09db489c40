"""The command line, as an operator uses it: one publication is made once, and lived in."""

from __future__ import annotations

import json
import mailbox
import os
import shutil
import signal
import smtplib
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from digest.app import App
from digest.cli import run
from digest.pipeline import SENDING
from digest.settings import FILE

ROOT = Path(__file__).parent.parent


@dataclass
class Result:
    code: int
    out: str
    err: str


class Desk:
    """A publication's folder, and the command line on it."""

    def __init__(self, folder: Path, capture: Callable[[], tuple[str, str]]) -> None:
        self.folder = folder
        self._capture = capture

    def __call__(self, *arguments: str) -> Result:
        self._capture()
        code = run(["--folder", str(self.folder), *arguments])
        out, err = self._capture()
        return Result(code, out, err)

    def mails(self) -> int:
        folder = self.folder / "var" / "mail"
        return len(mailbox.Maildir(folder, create=False)) if folder.exists() else 0


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A publication as `digest init` makes it, with its readers and a sent edition."""
    folder = tmp_path_factory.mktemp("publication") / "weekly"
    assert run(["init", str(folder)]) == 0
    for path in folder.rglob("*"):  # as if the files had been there for a while
        if path.is_file():
            os.utime(path, (1_500_000_000, 1_500_000_000))
    readers = folder / "subscribers" / "sample-readers.csv"
    assert run(["-C", str(folder), "subscribers", "import", str(readers)]) == 0
    assert run(["-C", str(folder), "send", "--period", "2018-W15", "--yes"]) == 0
    return folder


@pytest.fixture
def desk(begun: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(begun, capsys.readouterr)


@pytest.fixture
def fresh(begun: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    """A copy that a test may change."""
    shutil.copytree(begun, tmp_path / "copy")
    desk = Desk(tmp_path / "copy", capsys.readouterr)
    assert desk("arm").code == 0  # a copy does not send on its own
    return desk


# ---- begin


def test_init_does_not_overwrite(desk: Desk) -> None:
    result = Result(run(["init", str(desk.folder)]), *desk._capture())
    assert result.code == 2
    assert "exists" in result.err


def test_init_says_what_cannot_be_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tmp_path.joinpath("file").write_text("x", encoding="utf-8")
    assert run(["init", str(tmp_path / "file" / "below")]) == 2
    assert "Not a directory" in capsys.readouterr().err


def test_check_shows_each_setting_with_its_origin(desk: Desk) -> None:
    result = desk("check")
    assert result.code == 0
    assert "publication.title" in result.out
    assert "digest.toml" in result.out
    assert "Nothing is wrong" in result.out


def test_check_as_json(desk: Desk) -> None:
    found = json.loads(desk("check", "--json").out)
    assert found["problems"] == []
    assert {"name": "mail.port", "value": "587", "origin": "default"} in found["settings"]


def test_check_finds_what_only_the_rooms_can_tell(fresh: Desk) -> None:
    path = fresh.folder / FILE
    text = (
        path.read_text(encoding="utf-8").replace('region = "CN"', 'region = "XX"').replace('"seeds/samples"', '"gone"')
    )
    path.write_text(text, encoding="utf-8")
    result = fresh("check")
    assert result.code == 2
    assert "no region 'XX'" in result.out
    assert "gone does not exist" in result.out


def test_wrong_settings_end_with_2_and_name_the_remedy(fresh: Desk) -> None:
    (fresh.folder / FILE).write_text("[publication]\n", encoding="utf-8")
    result = fresh("send")
    assert result.code == 2
    assert "publication.title: is missing" in result.err


def test_a_folder_without_settings_is_told_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["-C", str(tmp_path), "editions"]) == 2
    assert "digest init" in capsys.readouterr().err


def test_an_unknown_command_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sned"]) == 2
    assert "sned" in capsys.readouterr().err


def test_help_says_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    assert "Exit codes: 0 done, 1 failed, 2 wrong usage or settings." in capsys.readouterr().out


# ---- articles


def test_pickup_shows_files_without_keeping_them(desk: Desk, tmp_path: Path) -> None:
    page = tmp_path / "note.md"
    page.write_text("---\ntitle: Ferry to Macao\ndate: 2018-07-18\n---\n\nA ferry sails to Macao.\n", encoding="utf-8")
    result = desk("pickup", str(page), "--json")
    assert result.code == 0
    assert json.loads(result.out)["title"] == "Ferry to Macao"
    assert desk("explain", json.loads(result.out)["id"]).code == 1


def test_a_bad_file_is_named_and_the_rest_is_shown(desk: Desk, tmp_path: Path) -> None:
    empty, good = tmp_path / "empty.txt", tmp_path / "good.md"
    empty.write_bytes(b"")
    good.write_text("---\ntitle: Good\n---\n\nA good article has a sentence.\n", encoding="utf-8")
    result = desk("pickup", str(empty), str(tmp_path / "none.txt"), str(good))
    assert result.code == 1
    assert "empty.txt: the file is empty" in result.err
    assert "none.txt: cannot be read" in result.err
    assert "Good" in result.out


def test_pickup_dry_run_reads_every_source(fresh: Desk) -> None:
    (fresh.folder / "seeds" / "samples" / "broken.json").write_text("{", encoding="utf-8")
    result = fresh("pickup", "--dry-run")
    assert result.code == 1
    assert "Silicon Valley" in result.out
    assert "broken.json" in result.err


def test_pickup_keeps_and_names_what_went_aside(fresh: Desk) -> None:
    broken = fresh.folder / "seeds" / "samples" / "broken.json"
    broken.write_text("{", encoding="utf-8")
    os.utime(broken, (1_500_000_000, 1_500_000_000))
    result = fresh("pickup")
    assert result.code == 1
    assert "0 new, 0 edited" in result.out
    assert "broken.json" in result.err
    assert (fresh.folder / "var" / "aside" / "samples" / "broken.json.error.txt").exists()
    listed = fresh("problems")
    assert "broken.json" in listed.out
    assert json.loads(fresh("problems", "--json").out)["source"] == "samples"
    broken.write_text('{"title": "Mended", "text": "The file is whole again."}', encoding="utf-8")
    os.utime(broken, (1_500_000_001, 1_500_000_001))
    assert json.loads(fresh("pickup", "--json").out)["new"] == 1
    assert "Nothing" in fresh("problems").out


def test_a_file_that_still_grows_waits(fresh: Desk) -> None:
    path = fresh.folder / "seeds" / "samples" / "new.md"
    path.write_text("---\ntitle: New\n---\n\nText.\n", encoding="utf-8")
    done = threading.Event()

    def grow() -> None:
        while not done.wait(0.1):
            with path.open("a", encoding="utf-8") as file:
                file.write("More text.\n")

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        assert "waits: samples/new.md" in fresh("pickup").out
    finally:
        done.set()
        writer.join()


def test_classify_explains(desk: Desk) -> None:
    seed = next(ROOT.joinpath("seeds").glob("001_*.txt"))
    result = desk("classify", str(seed))
    assert result.code == 0
    assert "primary     Beijing < China < Eastern Asia < Asia" in result.out
    assert "counterpart Tel Aviv" in result.out
    found = json.loads(desk("classify", str(seed), "--json").out)
    assert found["judgement"]["regions"][0]["region"] == "CN-BJ"


def test_explain_says_why_a_story_is_where_it_is(desk: Desk) -> None:
    listed = desk("preview", "weekly-2018-W15", "--no-browser")
    key = next(word for word in listed.out.split() if len(word) == 16 and set(word) <= set("0123456789abcdef"))
    result = desk("explain", key)
    assert "weekly-2018-W15 (sent): China and Israel" in result.out
    found = json.loads(desk("explain", key, "--json").out)
    assert found["editions"][0]["edition"] == "weekly-2018-W15"
    assert desk("explain", "0" * 16).code == 1


# ---- editions


def test_sent_is_sent_once(desk: Desk) -> None:
    before = desk.mails()
    assert before > 0
    result = desk("send", "--period", "2018-W15", "--yes")
    assert result.code == 0
    assert "It was sent" in result.out
    assert desk.mails() == before


def test_dry_run_shows_who_would_get_what_and_sends_nothing(fresh: Desk) -> None:
    before = fresh.mails()
    result = fresh("send", "--period", "2018-W29", "--dry-run")
    assert result.code == 0
    assert "Nothing was sent" in result.out
    assert "everything@example.com" in result.out
    assert "bytes" in result.out
    assert fresh.mails() == before
    assert "weekly-2018-W29" not in [line.split()[0] for line in fresh("editions").out.splitlines() if "sent" in line]


def test_only_one_reader_and_then_the_others(fresh: Desk) -> None:
    before = fresh.mails()
    result = fresh("send", "--period", "2018-W29", "--yes", "--only", "everything@example.com")
    assert result.code == 0
    assert "1 accepted" in result.out
    assert fresh.mails() == before + 1
    result = fresh("send", "--period", "2018-W29", "--yes")
    assert "7 accepted" in result.out
    assert fresh.mails() == before + 8


def test_only_somebody_who_reads_it(fresh: Desk) -> None:
    result = fresh("send", "--period", "2018-W29", "--yes", "--only", "stranger@example.com")
    assert result.code == 1
    assert "stranger@example.com" in result.err


@pytest.mark.parametrize("period", ["2018-W54", "last week", "2018-29"])
def test_a_period_that_does_not_exist_is_wrong_usage(desk: Desk, period: str) -> None:
    result = desk("send", "--period", period)
    assert result.code == 2
    assert "2018-W29" in result.err


def test_a_week_without_news_has_no_edition(desk: Desk) -> None:
    result = desk("send", "--period", "2017-W01", "--yes")
    assert result.code == 0
    assert "no edition" in result.out


def test_without_a_period_it_is_the_last_full_week(desk: Desk) -> None:
    assert "no edition" in desk("preview", "--no-browser").out


def test_an_operators_decisions_shape_the_draft(fresh: Desk) -> None:
    listed = fresh("preview", "--period", "2018-W29", "--no-browser").out
    keys = [word for word in listed.split() if len(word) == 16 and set(word) <= set("0123456789abcdef")]
    edition = "weekly-2018-W29"
    assert fresh("pin", edition, keys[3]).code == 0
    assert "left out" in fresh("drop", edition, keys[4], "--reason", "an advert").out.lower()
    assert fresh("move", edition, keys[5], "elsewhere").code == 0
    assert fresh("move", edition, keys[5], "nowhere").code == 2
    assert "A better headline" in fresh("retitle", edition, keys[6], "A better headline").out
    assert fresh("retitle", edition, keys[6], " ").code == 1
    assert fresh("note", edition, "Dear readers, this is a note.").code == 0
    page = fresh("preview", edition, "--text").out
    assert "A better headline" in page
    assert "Dear readers, this is a note." in " ".join(page.split())
    assert "1 decisions taken back" in fresh("undo", edition, keys[6]).out
    assert fresh("pin", edition, "0" * 16).code == 1
    assert "approved" in fresh("approve", edition).out
    assert fresh("pin", edition, keys[0]).code == 1, "only a draft can be changed"


def test_approval_names_what_was_seen(fresh: Desk) -> None:
    fresh("preview", "--period", "2018-W29", "--no-browser")
    result = fresh("approve", "weekly-2018-W29", "--hash", "ffff0000")
    assert result.code == 1
    assert "changed" in result.err


def test_held_waits_and_cancelled_ends(fresh: Desk) -> None:
    fresh("preview", "--period", "2018-W29", "--no-browser")
    assert fresh("hold", "weekly-2018-W29", "--reason", "look again").code == 0
    result = fresh("send", "--period", "2018-W29", "--yes")
    assert result.code == 1
    assert "waits for `digest approve weekly-2018-W29`" in result.out
    assert fresh("cancel", "weekly-2018-W29", "--reason", "a strike").code == 0
    assert "a strike" in fresh("send", "--period", "2018-W29", "--yes").out
    assert "cancelled" in fresh("editions").out


def test_an_edition_waits_for_its_operator(fresh: Desk) -> None:
    path = fresh.folder / FILE
    path.write_text(
        path.read_text(encoding="utf-8").replace('frequency = "weekly"', 'approval = "operator"'), encoding="utf-8"
    )
    assert fresh("send", "--period", "2018-W29", "--yes").code == 1
    assert fresh("approve", "weekly-2018-W29").code == 0
    assert fresh("send", "--period", "2018-W29", "--yes").code == 0


def test_preview_of_a_readers_copy(desk: Desk) -> None:
    text = desk("preview", "weekly-2018-W15", "--reader", "everything@example.com", "--text").out
    assert "/unsubscribe/" in text
    assert desk("preview", "weekly-2018-W15", "--reader", "nobody@example.com", "--text").code == 1
    assert desk("preview", "weekly-2018-W99").code == 1


def test_preview_of_a_copy_that_is_skipped_says_why(desk: Desk) -> None:
    skipped = [
        json.loads(line)
        for line in desk("deliveries", "weekly-2018-W15", "--json").out.splitlines()
        if "skipped" in line
    ]
    result = desk("preview", "weekly-2018-W15", "--reader", skipped[0]["address"])
    assert result.code == 1
    assert "skipped" in result.err


def test_editions_and_deliveries_are_listed(desk: Desk) -> None:
    assert "weekly-2018-W15" in desk("editions").out
    assert json.loads(desk("editions", "--json").out.splitlines()[0])["digest"] == "weekly"
    listed = desk("deliveries", "weekly-2018-W15")
    assert "everything@example.com" in listed.out
    assert "accepted" in listed.out
    assert "No deliveries" in desk("deliveries", "--failed").out


def test_publish_changes_nothing_twice(fresh: Desk) -> None:
    assert "0 of them changed" in fresh("publish").out
    (fresh.folder / "var" / "feeds" / "atom.xml").unlink()
    result = fresh("publish")
    assert "1 of them changed" in result.out
    assert "feeds/atom.xml" in result.out


def test_a_sender_at_work_keeps_a_second_one_out(fresh: Desk) -> None:
    with App.open(fresh.folder) as app, app.store.hold(SENDING):
        result = fresh("send", "--period", "2018-W29", "--yes")
    assert result.code == 1
    assert str(os.getpid()) in result.err


# ---- readers


def test_readers_come_and_go(fresh: Desk) -> None:
    added = fresh(
        "subscribers",
        "add",
        "new@example.com",
        "--consent",
        "asked by letter",
        "--region",
        "Guangdong",
        "--theme",
        "trade",
    )
    assert added.code == 0
    listed = fresh("subscribers", "list")
    assert "new@example.com" in listed.out
    assert "Guangdong" in listed.out
    assert "1 subscriptions ended" in fresh("subscribers", "remove", "new@example.com").out
    assert "new@example.com" not in fresh("subscribers", "list").out
    assert "new@example.com" in fresh("subscribers", "list", "--all", "--json").out
    assert "ended" in fresh("subscribers", "why", "new@example.com").out
    told = json.loads(fresh("subscribers", "data", "new@example.com").out)
    assert (told["address"], told["subscriptions"][0]["state"]) == ("new@example.com", "ended")
    assert "erased; 1 subscriptions" in fresh("subscribers", "erase", "new@example.com", "--yes").out
    assert fresh("subscribers", "erase", "never@example.com", "--yes").code != 0
    assert json.loads(fresh("subscribers", "data", "new@example.com").out)["subscriptions"] == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["bad address"], "address"),
        (["a@example.com", "--region", "Ruritania"], "Ruritania"),
        (["a@example.com", "--theme", "gossip"], "gossip"),
    ],
)
def test_a_reader_that_cannot_be_added_is_told_why(desk: Desk, arguments: list[str], words: str) -> None:
    result = desk("subscribers", "add", *arguments, "--consent", "x")
    assert result.code == 1
    assert words in result.err


def test_an_unknown_digest_is_named(desk: Desk) -> None:
    assert desk("subscribers", "add", "a@example.com", "--consent", "x", "--digest", "daily").code == 2


def test_lists_go_out_and_come_back(fresh: Desk, tmp_path: Path) -> None:
    out = tmp_path / "readers.csv"
    assert "8 readers" in fresh("subscribers", "export", str(out)).out
    assert fresh("subscribers", "export", "--all").out.startswith("address,")
    again = fresh("subscribers", "import", str(out))
    assert "0 new, 0 updated, 8 unchanged, 0 refused" in again.out


def test_bad_lines_are_named_and_the_good_ones_go_in(fresh: Desk, tmp_path: Path) -> None:
    fresh("subscribers", "remove", "everything@example.com")
    path = tmp_path / "list.csv"
    path.write_text(
        "address,name,consent\nok@example.com,Ok,by form\nnot an address,Bad,by form\neverything@example.com,Back,by form\n",
        encoding="utf-8",
    )
    dry = fresh("subscribers", "import", str(path), "--dry-run")
    assert "nothing was kept" in dry.out
    result = fresh("subscribers", "import", str(path))
    assert result.code == 1
    assert "1 new" in result.out
    assert "list.csv: line 3" in result.err
    assert "passed over" in result.out
    path.write_text("mail;name\n", encoding="utf-8")
    assert fresh("subscribers", "import", str(path)).code == 1


# ---- as a program


def test_the_catcher_keeps_what_it_is_sent(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "digest", "catch", str(tmp_path / "mail")], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        host, _, port = line.split(" on ")[1].split()[0].rpartition(":")
        with smtplib.SMTP(host, int(port)) as client:
            client.sendmail("a@example.com", ["b@example.com"], b"Subject: hello\r\n\r\nhello\r\n")
    finally:
        process.send_signal(signal.SIGTERM)
        with process:
            assert process.wait(20) == 0
    assert len(mailbox.Maildir(tmp_path / "mail", create=False)) == 1


def test_python_m_digest_ends_with_the_code(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "digest", "-C", str(tmp_path), "check"], capture_output=True, cwd=ROOT, check=False
    )
    assert done.returncode == 2


def test_an_article_is_refiled_and_past_editions_are_replayed(fresh: Desk) -> None:
    listed = fresh("preview", "weekly-2018-W15", "--no-browser")
    key = next(word for word in listed.out.split() if len(word) == 16 and set(word) <= set("0123456789abcdef"))
    assert fresh("refile", key).code == 1
    assert fresh("refile", key, "--theme", "no such theme").code == 1
    assert fresh("refile", key, "--region", "no such region").code == 1
    result = fresh("refile", key, "--theme", "sport", "--region", "Guangdong", "--counterpart", "IL", "--by", "li")
    assert result.code == 0, result.err
    assert "an editor filed it here" in result.out
    assert json.loads(fresh("explain", key, "--json").out)["judgement"]["themes"][0]["theme"] == "sport"
    (kept,) = [json.loads(line) for line in fresh("corrections").out.splitlines()]
    assert (kept["article"], kept["themes"], kept["by"]) == (key, ["sport"], "li")
    assert kept["regions"] == {"CN-GD": "primary", "IL": "counterpart"}
    totals = json.loads(fresh("replay", "--json").out)
    assert totals["editions"] >= 1  # others of this module may have made more
    assert (totals["corrected"], totals["right_then"]) == (1, 0)
    assert "would have moved" in fresh("replay", "--rules", "--editions", "1").out
    (fresh.folder / "other.toml").write_text('[[theme]]\nid = "all"\nnames = { en = "All" }\n', "utf-8")
    moved = json.loads(fresh("replay", "--taxonomy", str(fresh.folder / "other.toml"), "--json").out)["moved"]
    assert moved
