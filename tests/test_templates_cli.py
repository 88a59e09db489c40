"""Templates and the live preview from the command line, on a publication made once."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from digest import cli, desk, subscriptions
from digest.app import App, now
from digest.cli.live import LivePreview, server
from digest.model import Consent, Period, Revision
from digest.render import samples
from digest.render.check import Finding, Level, check
from digest.settings import FILE
from tests.harbour import SETTINGS

STORY = """---
title: Guangzhou port adds a night shift
date: 2018-07-18T09:00:00+08:00
publisher: Harbour Wire
keywords: [Guangzhou]
---
The port of Guangzhou will unload ships at night.
"""
PERIOD = "2018-W29"
EDITION = f"weekly-{PERIOD}"


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("publication")
    (folder / FILE).write_text(SETTINGS, encoding="utf-8")
    (folder / "incoming").mkdir()
    (folder / "incoming" / "port.md").write_text(STORY, encoding="utf-8")
    os.utime(folder / "incoming" / "port.md", (1_500_000_000, 1_500_000_000))
    with App.open(folder) as app:
        app.pipeline.pick_up()
        app.pipeline.classify()
        revision = app.pipeline.compose(app.settings.digests[0], Period.week(PERIOD, app.settings.zone))
        assert isinstance(revision, Revision)
        desk.note(app.store, EDITION, "A quiet week.", by="test", at=now())
    return folder


@pytest.fixture
def folder(begun: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(begun, tmp_path / "publication"))


def run(folder: Path, *arguments: str) -> int:
    return cli.run(["--folder", str(folder), *arguments])


def test_a_template_is_copied_to_be_changed_and_stands_from_then_on(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, "templates", "copy", "email/confirm") == 0
    own = folder / "templates" / "email" / "confirm"
    assert sorted(path.name for path in own.iterdir()) == ["body.html", "body.txt", "subject.txt"]
    assert run(folder, "templates", "list") == 0
    said = [line.split() for line in capsys.readouterr().out.splitlines()]
    listed = {words[0]: words[1] for words in said if len(words) == 2}
    assert listed["email/confirm/body.txt"] == "own"
    assert listed["email/welcome/body.txt"] == "shipped"
    (own / "subject.txt").write_text("Ours", encoding="utf-8")
    assert run(folder, "templates", "copy", "email/confirm/subject.txt") == 1
    assert "own already" in capsys.readouterr().err
    assert (own / "subject.txt").read_text(encoding="utf-8") == "Ours"
    assert run(folder, "templates", "copy", "email/confirm/subject.txt", "--force") == 0
    assert (own / "subject.txt").read_text(encoding="utf-8") != "Ours"
    assert run(folder, "templates", "copy", "email/nothing") == 1
    assert "no template 'email/nothing'" in capsys.readouterr().err


def test_a_check_ends_with_a_code_that_tells(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from digest.cli import templates  # noqa: PLC0415 - only to look at fewer mails

    real = check
    monkeypatch.setattr(templates, "check", lambda renderer, _names: real(renderer, ()))
    confirm = samples.notices()["confirm"]
    monkeypatch.setattr(samples, "notices", lambda: {"confirm": confirm})
    frame = folder / "templates" / "email" / "notice" / "style.css"
    frame.parent.mkdir(parents=True)
    frame.write_text(".said { display: flex; }", encoding="utf-8")
    assert run(folder, "templates", "check") == 0
    said = capsys.readouterr().out
    assert f"warning: {frame}:1: display:flex: not supported by Outlook (Windows" in said
    (frame.parent / "body.txt").write_text("{% for %}", encoding="utf-8")
    assert run(folder, "templates", "check", "--json", "--notes") == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {line["level"] for line in lines} == {"error", "warning", "note"}
    assert any(line["where"] == f"{frame.parent / 'body.txt'}:1" for line in lines)
    monkeypatch.setattr(templates, "check", lambda *_: ())
    assert run(folder, "templates", "check") == 0
    assert "Every template renders" in capsys.readouterr().out
    warning = Finding(level=Level.WARNING, template="x", what="y")
    monkeypatch.setattr(templates, "check", lambda *_: (warning,))
    assert run(folder, "templates", "check") == 0
    assert run(folder, "templates", "check", "--strict") == 1


def test_a_preview_says_what_to_be_careful_of(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = (folder / FILE).read_text(encoding="utf-8")
    (folder / FILE).write_text(settings.replace("https://weekly", "http://weekly"), encoding="utf-8")
    assert run(folder, "preview", EDITION, "--no-browser") == 0
    assert "careful: links lead to http://weekly.example.com" in capsys.readouterr().out


def test_an_edition_too_long_for_mail_clients_is_told_before_it_is_approved(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digest.render.copies.LIMIT", 1000)
    with App.open(folder) as app:
        revision = app.store.editions.get(EDITION)
        assert list(app.pipeline.warnings(revision)) == []  # one story in a section is always shown
        monkeypatch.setattr("digest.copies.Copies.trimmed", lambda *_: 7)
        told = list(app.pipeline.warnings(revision))
    assert len(told) == 2
    assert "in English, 7 of 1 stories are left to the web" in told[0]


@pytest.fixture
def asked(folder: Path) -> Iterator[http.client.HTTPConnection]:
    with App.open(folder) as app:
        subscriptions.add(
            app.store, "ada@example.org", ["weekly"], name="Ada", consent=Consent(at=now(), basis="test"), now=now()
        )
    serving = server(LivePreview(folder, EDITION))
    thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    connection = http.client.HTTPConnection("127.0.0.1", serving.server_address[1], timeout=60)
    yield connection
    connection.close()
    serving.shutdown()
    thread.join(10)
    serving.server_close()


def got(connection: http.client.HTTPConnection, target: str, **headers: str) -> tuple[int, str, str]:
    connection.request("GET", target, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.read().decode(), answer.headers["Content-Security-Policy"]


def test_the_live_preview_shows_the_edition_anew_after_every_change(
    asked: http.client.HTTPConnection, folder: Path
) -> None:
    status, frame, policy = got(asked, "/?reader=ada@example.org")
    assert status == 200
    assert "script-src 'self'" in policy
    assert frame.count("<iframe") == 2
    assert 'src="/mail?reader=ada%40example.org"' in frame
    assert "<option selected>ada@example.org</option>" in frame
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", frame), "nothing is loaded from elsewhere"
    status, mail, policy = got(asked, "/mail?reader=ada%40example.org")
    assert "Ada, you receive" in mail
    assert "script-src" not in policy
    assert "default-src 'none'" in policy
    stamp = got(asked, "/stamp")[1]
    assert got(asked, "/mail?reader=ada%40example.org")[1] == mail

    own = folder / "templates" / "email" / "weekly-report"
    own.mkdir(parents=True)
    (own / "subject.txt").write_text("Ours: {{ edition.title }}", encoding="utf-8")
    assert got(asked, "/stamp")[1] != stamp
    assert "<h1>Ours: Harbour Report</h1>" in got(asked, "/")[1]
    (own / "subject.txt").write_text("\n{{ nothing }}", encoding="utf-8")
    os.utime(own / "subject.txt", (2_000_000_000, 2_000_000_000))
    status, broken, _ = got(asked, "/")
    assert status == 200
    assert f"{own / 'subject.txt'}:2" in broken
    assert '<script src="/live.js"' in broken, "it goes on watching"
    assert got(asked, "/mail")[0] == 500
    (folder / FILE).write_text("[publication]\n", encoding="utf-8")
    os.utime(folder / FILE, (2_000_000_001, 2_000_000_001))
    assert "publication" in got(asked, "/mail")[1]


def test_the_live_preview_answers_only_what_it_has(asked: http.client.HTTPConnection) -> None:
    assert got(asked, "/etc/passwd")[0] == 404
    assert "location.reload" in got(asked, "/live.js")[1]
    assert "iframe" in got(asked, "/live.css")[1]
    assert got(asked, "/", Host="evil.example:80")[0] == 421
    assert "you receive" not in got(asked, "/online")[1]
    assert "A QUIET" not in got(asked, "/text")[1]
    assert "Harbour Report" in got(asked, "/text?reader=ada%40example.org")[1]
    assert (
        "no reader of this digest &#x27;nobody@example.org&#x27;" in got(asked, "/mail?reader=nobody%40example.org")[1]
    )
