"""What holds for every command: JSON for programs, help and a man page, completion, and a record of every act."""

from __future__ import annotations

import inspect
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import typer.main

from digest.app import App, version
from digest.cli import run
from digest.cli.base import cli
from digest.cli.help import TOPICS, commands
from digest.store import AuditFilter
from tests.web.conftest import EDITION, SETTINGS, published  # noqa: F401 - a fixture
from tools.man_page import PAGE, page

API_SOURCE = '[[sources]]\nkey = "wire"\nkind = "api"\n\n[[digests]]'
ALL = dict(commands(typer.main.get_command(cli)))
# These print no result of their own, or are a conversation, a stream or a file by nature.
NO_JSON = {
    "catch", "demo", "run", "web", "worker", "stories", "corrections", "subscribers export", "subscribers data",
    "sources export", "operators add", "operators role", "operators disable", "operators enable", "operators reset",
    "tokens add", "tokens end", "store copy", "store migrate",
}  # fmt: skip
Run = Callable[..., str]


@pytest.fixture(scope="module")
def folder(published: tuple[Path, App], tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: F811 - a fixture
    """A publication with a draft, a reader, and a source that articles are sent to."""
    source, _shared = published
    place = tmp_path_factory.mktemp("words") / "publication"
    shutil.copytree(source, place)
    (place / "digest.toml").write_text(SETTINGS.replace("[[digests]]", API_SOURCE, 1), encoding="utf-8")
    return place


@pytest.fixture
def told(folder: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command with --json; its standard output."""

    def told(*arguments: str, code: int = 0) -> str:
        capsys.readouterr()
        found = run(["-C", str(folder), *arguments, "--json"])
        out, err = capsys.readouterr()
        assert found == code, err
        return out

    return told


def test_every_command_that_prints_takes_json() -> None:
    without = {name for name, one in ALL.items() if not any("--json" in option.opts for option in one.params)}
    assert without <= NO_JSON, without - NO_JSON


def test_the_version_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"digest {version()}\n"


def test_every_command_says_what_it_does_and_every_option_what_for() -> None:
    for name, one in ALL.items():
        assert one.help, name
        for option in one.params:
            if option.name != "help":
                assert option.help, (name, option.name)


def test_what_programs_read_is_json_with_stable_keys(told: Run, folder: Path) -> None:
    """A day at the desk: each line of each command is JSON, and has these keys at least."""
    (folder / "list.csv").write_text("address,consent\nbob@example.net,contract\n", encoding="utf-8")
    (folder / "feeds.opml").write_text(
        '<opml version="2.0"><body><outline title="Port" xmlUrl="https://port.example.org/f"/></body></opml>',
        encoding="utf-8",
    )
    (folder / "one.json").write_text('{"id": "x", "title": "Ferry to Macao", "text": "A ferry."}', encoding="utf-8")
    day: list[tuple[list[str], set[str]]] = [
        (["arm"], {"folder", "noted"}),
        (["check"], {"settings", "problems"}),
        (["pickup"], {"new", "edited", "unchanged", "problems"}),
        (["pickup", str(folder / "one.json")], {"title", "paragraphs", "source"}),
        (["problems"], set()),
        (["articles", "add", str(folder / "one.json")], {"source", "articles", "problems"}),
        (["articles", "list"], {"number", "article"}),
        (["reopen", EDITION], {"edition", "state", "hash"}),
        (["preview", EDITION], {"file", "warnings", "revision"}),
        (["editions"], {"id", "state", "revision"}),
        (["note", EDITION, "Hello"], {"edition", "number", "hash", "state"}),
        (["acts", EDITION], {"id", "act", "by", "at"}),
        (["preflight", EDITION], {"hash", "blocks", "findings"}),
        (["hold", EDITION, "--reason", "wait"], {"edition", "state", "reason"}),
        (["approve", EDITION], {"complete", "waits_for", "revision"}),
        (["subscribers", "add", "ada@example.net", "--consent", "letter"], {"fates"}),
        (["subscribers", "import", str(folder / "list.csv")], {"imported", "refused", "kept"}),
        (["subscribers", "list"], {"id", "address", "state", "preferences"}),
        (["subscribers", "why", "ada@example.net"], {"address", "why", "subscriptions"}),
        (["subscribers", "pause", "ada@example.net"], {"id", "state"}),
        (["subscribers", "resume", "ada@example.net"], {"id", "state"}),
        (["suppressions", "add", "eve@example.net", "--reason", "asked"], {"key", "cause", "at"}),
        (["suppressions", "list"], {"key", "cause"}),
        (["suppressions", "lift", "eve@example.net", "--reason", "back"], {"key", "cause"}),
        (["subscribers", "remove", "bob@example.net"], {"id", "state"}),
        (["subscribers", "erase", "bob@example.net", "--yes"], {"subscriptions"}),
        (["send", "--period", "2018-W29", "--dry-run"], {"address", "bytes", "skipped"}),
        (["send-now", EDITION], {"edition", "state"}),
        (["send", "--period", "2018-W29", "--yes"], {"edition", "state", "report", "files"}),
        (["deliveries"], {"id", "edition", "state", "reply"}),
        (["resend", EDITION, "--address", "ada@example.net", "--yes"], {"copies", "report"}),
        (["resolve", EDITION, "accepted"], {"copies"}),
        (["resolve", EDITION, "resend"], {"copies"}),
        (["pause", EDITION], {"state"}),
        (["publish"], {"files", "changed"}),
        (["feeds", "list"], {"path", "entries"}),
        (["feeds", "write", str(folder / "mirror")], {"files", "changed", "removed"}),
        (["feeds", "hub"], set()),
        (["sources", "import", str(folder / "feeds.opml")], {"line", "key", "why"}),
        (["sources", "list"], {"condition", "source", "state"}),
        (["sources", "hold", "port", "--reason", "noisy"], {"source", "held"}),
        (["sources", "release", "port"], {"source", "held"}),
        (["sources", "accept", "port"], {"source", "held"}),
        (["sources", "remove", "port"], {"source", "removed"}),
        (["templates", "list"], {"file", "whose"}),
        (["templates", "copy", "email/confirm"], {"file"}),
        (["schedule"], {"digest", "period", "due"}),
        (["events"], {"id", "kind", "subject", "by", "at"}),
        (["operators", "list"], set()),
        (["tokens", "list"], set()),
        (["bounces"], set()),
        (["help"], {"topics", "commands"}),
        (["help", "exit-codes"], {"topic", "text", "commands"}),
        (["help", "sources", "add"], {"topic", "text", "commands"}),
    ]  # fmt: skip
    states = {"pause": 1, "schedule": 0}
    for arguments, keys in day:
        if arguments[0] == "pause":
            assert told(*arguments, code=states["pause"]) == ""  # it was sent: nothing to pause, and no half a document
            continue
        lines = [json.loads(line) for line in told(*arguments).splitlines()]
        assert lines or not keys, arguments
        for line in lines:
            assert keys <= set(line), (arguments, line)


def test_articles_are_held_and_released_by_uid(told: Run) -> None:
    told("articles", "list", "night shift")
    number = json.loads(told("articles", "list", "port").splitlines()[0])["article"]["uid"]
    assert json.loads(told("articles", "show", number))["uid"] == number
    assert json.loads(told("articles", "hold", number, "--reason", "check"))["changed"] == 1
    assert json.loads(told("articles", "release", number))["changed"] == 1
    assert json.loads(told("refile", number, "--theme", "sport"))["article"] == number
    assert "revised" in json.loads(told("articles", "correct", number, "It is a day shift."))
    assert "revised" in json.loads(told("articles", "withdraw", number, "--reason", "wrong"))
    told("articles", "show", "nothing", code=1)
    told("articles", "list", "--region", "Nowhere at all", code=1)
    told("articles", "list", "--theme", "nothing", code=1)


def test_acts_are_on_record_with_who_said_so(told: Run, folder: Path) -> None:
    told("subscribers", "add", "rob@example.net", "--consent", "letter", "--by", "li")
    with App.open(folder) as app:
        names = {one.actor.name for one in app.store.audit.page(AuditFilter(via="cli"))}
    assert "li" in names
    assert any(name.endswith("(command line)") for name in names)


def test_the_man_page_is_that_of_the_code() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tools.man_page"


@pytest.mark.skipif(not shutil.which("nroff"), reason="no nroff here")
def test_the_man_page_can_be_read() -> None:
    done = subprocess.run(["nroff", "-man", "-ww", str(PAGE)], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    for name in ("subscribers import", "EXIT STATUS", "digest.toml"):
        assert name in done.stdout.replace("\b", "") or name in _plain(done.stdout)


def _plain(text: str) -> str:
    """What nroff prints, without what it prints twice to make it bold."""
    out = ""
    for char in text:
        out = out[:-1] if char == "\b" else out + char
    return out


@pytest.mark.parametrize("name", [*TOPICS, *sorted(ALL)])
def test_help_knows_every_topic_and_command(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["help", *name.split()]) == 0
    assert capsys.readouterr().out.strip()


def test_help_of_what_is_not_there_names_what_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["help", "everything"]) == 1
    assert "exit-codes" in capsys.readouterr().err
    for one in TOPICS.values():
        assert set(one.commands) <= set(ALL)


# ---- completion


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_made_for_each_shell(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    from typer._completion_shared import get_completion_script  # noqa: PLC0415 - typer's own

    script = get_completion_script(prog_name="digest", complete_var="_DIGEST_COMPLETE", shell=shell)
    assert "_DIGEST_COMPLETE" in script
    if path := shutil.which(shell):
        subprocess.run([path, "-n", "-c", script], check=True, timeout=60)


def offered(folder: Path, line: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What bash is offered behind a line."""
    words = line.split(" ")
    monkeypatch.setenv("_DIGEST_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", f"digest -C {folder} {line}")
    monkeypatch.setenv("COMP_CWORD", str(2 + len(words)))
    capsys.readouterr()
    assert run([]) == 0
    return capsys.readouterr().out.split()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("approve week", [EDITION]),
        ("approve 2018", []),
        ("send --digest w", ["weekly"]),
        ("articles list --source d", ["desk"]),
        ("move weekly-2018-W29 x guang", ["guangdong"]),
        ("templates copy email/weekly-report/b", None),
        ("prefl", ["preflight"]),
    ],
)
def test_the_shell_is_offered_what_there_is(
    folder: Path,
    line: str,
    expected: list[str] | None,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = offered(folder, line, capsys, monkeypatch)
    if expected is None:
        assert found
        assert all(one.startswith("email/weekly-report/") for one in found)
    else:
        assert found == expected


def test_where_there_is_no_publication_nothing_is_offered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert offered(tmp_path, "approve w", capsys, monkeypatch) == []


def test_every_file_of_commands_is_listed() -> None:
    import digest.cli  # noqa: PLC0415 - the package

    here = {path.stem for path in Path(inspect.getfile(digest.cli)).parent.glob("*.py")}
    listed = {module.__name__.rpartition(".")[2] for module in digest.cli.COMMANDS}
    assert here - listed == {"__init__", "base", "completion", "live", "looking"}
