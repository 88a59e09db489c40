"""What an operator sees and says: status, schedule, pause, metrics; the unit for systemd."""

from __future__ import annotations

import configparser
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from digest.app import App
from digest.cli import run
from digest.deliver import Progress
from digest.errors import ConfigError
from digest.metrics import CONTENT_TYPE, Metrics
from digest.model import EditionState, SourceState
from digest.schedule.jobs import PROBLEMS
from digest.standing import look
from tests.schedule.conftest import MakeWorld, World

UNIT = Path(__file__).parent.parent.parent / "deploy" / "systemd" / "digest.service"
Said = Callable[..., tuple[int, str]]


@pytest.fixture
def said(world: World, capsys: pytest.CaptureFixture[str]) -> Said:
    """Runs a command on the publication: its exit code, and what it printed."""

    def command(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        code = run(["-C", str(world.app.settings.folder), *arguments])
        return code, capsys.readouterr().out

    return command


def test_status_in_about_ten_lines(world: World, said: Said) -> None:
    code, text = said("status")
    assert (code, "no edition has been sent" in text, "3 active" in text, "queue        empty" in text) == (
        0,
        *[True] * 3,
    )
    world.tick("2018-07-24T09:00:00")  # late: held
    world.jobs.failed("send", ValueError("no room"))
    live = SourceState(key="wire", location="https://wire.example.org/feed", failures=3, error="HTTP 500")
    world.app.store.sources.save_state(live)
    code, text = said("status")
    assert code == 1
    assert len(text.splitlines()) <= 12
    for words in (
        "weekly-2018-W29 is held",
        "digest approve",
        "wire failing",
        "ValueError: no room",
        "next         Weekly:",
    ):
        assert words in text
    assert "@" not in text
    code, text = said("status", "--json")
    found = json.loads(text)
    assert (code, found["waiting"][0]["id"], found["subscriptions"]["active"]) == (1, "weekly-2018-W29", 3)


def test_status_of_what_was_sent_is_owed_or_waits(world: World, said: Said) -> None:
    world.tick("2018-07-23T08:00:00")
    assert "weekly-2018-W29 (sent" in said("status")[1]
    world.now += timedelta(days=7)
    world.jobs._settle(world.app.settings.digest())
    code, text = said("status")
    assert (code, "owed         weekly 2018-W30" in text) == (1, True)


def test_pause_and_resume(world: World, said: Said) -> None:
    edition = world.compose("W29")
    assert said("approve", edition)[0] == 0
    assert said("pause", edition)[0] == 1, "nothing of it is being sent"
    store = world.app.store
    store.campaigns.start(edition, world.app.pipeline.message_id(edition), world.now)
    assert said("pause", edition, "--reason", "a mistake")[0] == 0
    assert store.editions.state(edition) is EditionState.PAUSED
    text = said("status")[1]
    assert "is paused: a mistake (digest resume)" in text
    assert "3 copies in 1 editions" in text
    assert said("send", "--period", "2018-W29", "--yes")[0] == 1
    assert said("resume", edition)[0] == 0
    assert store.editions.state(edition) is EditionState.SENDING
    assert said("resume", edition)[0] == 1


def test_schedule(said: Said) -> None:
    code, text = said("schedule")
    assert (code, text.count("08:00 +0800")) == (0, 5)
    code, text = said("schedule", "--digest", "weekly", "--count", "2", "--json")
    runs = [json.loads(line) for line in text.splitlines()]
    assert [run["digest"] for run in runs] == ["weekly", "weekly"]
    assert runs[0]["due"] < runs[1]["due"]
    assert said("schedule", "--digest", "other")[0] == 2


def test_periods_of_the_command_line_follow_the_digest(make: MakeWorld, folder: Path, said: Said) -> None:
    settings = folder / "digest.toml"
    settings.write_text(settings.read_text().replace('title = "Weekly"', 'title = "Daily"\nfrequency = "daily"'))
    code, text = said("send", "--period", "2018-07-18", "--dry-run")
    assert (code, "2018-07-18: 1 stories" in text) == (0, True)
    assert said("send", "--period", "2018-W29", "--dry-run")[0] == 2


def test_metrics_of_the_store(world: World) -> None:
    world.tick("2018-07-23T08:00:00")
    world.now += timedelta(hours=1)
    state = SourceState(key="wire", location="https://wire.example.org/feed", last_ok=world.now - timedelta(minutes=5))
    world.app.store.sources.save_state(state)
    metrics = Metrics(lambda: look(world.app.store, world.app.settings, world.now))
    kind, text = metrics.page()
    lines = text.decode().splitlines()
    assert kind == CONTENT_TYPE
    for line in (
        "digest_queue_copies 0.0",
        "digest_oldest_due_copy_seconds 0.0",
        'digest_editions_in_state{state="sent"} 1.0',
        'digest_subscriptions{state="active"} 3.0',
        'digest_source_poll_age_seconds{source="wire"} 300.0',
        'digest_sources{condition="ok"} 1.0',
        "digest_problems 0.0",
    ):
        assert line in lines
    assert b"@" not in text
    sent = world.metrics.text().decode()
    assert 'digest_copies_total{outcome="accepted"} 3.0' in sent
    assert 'digest_editions_total{state="approved"} 1.0' in sent
    assert 'digest_articles_total{change="new"} 1.0' in sent


def test_metrics_of_the_queue(world: World) -> None:
    world.now += timedelta(days=3)
    world.jobs.editions()
    edition = "weekly-2018-W29"
    world.app.store.campaigns.start(edition, world.app.pipeline.message_id(edition), world.now)
    standing = look(world.app.store, world.app.settings, world.now + timedelta(minutes=2))
    assert (standing.queues[0].depth, standing.oldest_due) == (3, 120)


def test_what_a_process_counts() -> None:
    metrics = Metrics()
    with metrics.timed("send"):
        metrics.sent(Progress(accepted=2), Progress(accepted=5, refused=1))
    metrics.failed("send")
    metrics.picked_up(new=1, edited=2, failures=3)
    text = metrics.text().decode()
    for line in (
        'digest_copies_total{outcome="accepted"} 3.0',
        'digest_copies_total{outcome="refused"} 1.0',
        'digest_job_failures_total{job="send"} 1.0',
        "digest_pickup_failures_total 3.0",
        'digest_job_seconds_count{job="send"} 1.0',
    ):
        assert line in text


def test_problems_of_jobs_are_in_the_list_of_problems(world: World) -> None:
    world.jobs.failed("publish", OSError("full"))
    assert [one.source for one in look(world.app.store, world.app.settings, world.now).problems] == [PROBLEMS]


def test_a_disk_that_is_nearly_full_is_told_while_there_is_room(
    world: World, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "disk" not in said("status")[1]
    usage = shutil.disk_usage(world.app.settings.folder)
    # One file system for all: its first folder stands for it, also where it is not there yet.
    assert world.app.room() == {str(world.app.settings.state): pytest.approx(usage.free, abs=2**30)}
    monkeypatch.setattr("shutil.disk_usage", lambda _folder: usage._replace(free=2 * 2**20))
    code, text = said("status")
    assert code == 1
    assert "disk         2 MB are free in" in text
    world.jobs.publish()
    world.jobs.publish()
    assert [one for one in world.alarms() if "disk" in one] == [f"A disk is nearly full: {world.app.settings.state}"]
    monkeypatch.setattr("shutil.disk_usage", lambda _folder: usage._replace(free=0))
    assert "nothing is free in" in said("status")[1]
    text = Metrics(world.app.standing).text().decode()
    assert f'digest_disk_free_bytes{{folder="{world.app.settings.state}"}} 0.0' in text
    assert "digest_store_full 0.0" in text


def test_the_stack_of_a_failure_stands_in_the_log_once(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """At every tick it would fill a disk that is full."""

    def fails() -> str:
        capsys.readouterr()
        world.jobs.failed("send", OSError("No space left on device"))
        return "".join(capsys.readouterr())

    assert "\nOSError" in fails()
    assert "\nOSError" not in fails()
    world.jobs.succeeded("send")
    assert "\nOSError" in fails()


def test_the_unit_is_what_systemd_reads(tmp_path: Path) -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[method-assign,assignment]  # its way to keep capitals
    unit.read(UNIT, encoding="utf-8")
    service = unit["Service"]
    assert service["ExecStart"].endswith("-C /var/lib/digest run")
    assert service["ProtectSystem"] == "strict"
    assert service["NoNewPrivileges"] == "yes"
    assert service["CapabilityBoundingSet"] == ""
    assert service["RestartPreventExitStatus"] == "2"
    tool = shutil.which("systemd-analyze")
    if tool is not None:
        installed = tmp_path / "digest.service"
        installed.write_text(UNIT.read_text(encoding="utf-8").replace("/opt/digest/bin/digest", sys.executable))
        done = subprocess.run([tool, "verify", str(installed)], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ('[inbox]\nmaildir = "a"\nhost = "b"\nusername = "u"', "inbox: names both"),
        ('[inbox]\nhost = "b"', "inbox.username"),
        ("[inbox]\nevery = 0", "inbox.every"),
        ("[operations]\ntick = 0", "operations.tick"),
        ("[operations]\nwarn_hours = -1", "operations.warn_hours"),
        ('[operations]\nalarm = "nobody"', "operations.alarm"),
        ('[operations]\nlog_format = "xml"', "operations.log_format"),
    ],
)
def test_settings_that_make_no_sense(folder: Path, lines: str, problem: str) -> None:
    settings = folder / "digest.toml"
    text = settings.read_text(encoding="utf-8").partition("[operations]")
    rest = text[2].partition("[delivery]")
    settings.write_text(text[0] + lines + "\n[delivery]" + rest[2], encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        App.open(folder)
    assert [problem in one for one in caught.value.problems] == [True]


def test_an_inbox_needs_the_address_that_fills_it(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"mail\.unsubscribe"):
        App.open(folder, {"DIGEST_INBOX_MAILDIR": "leave", "DIGEST_MAIL_UNSUBSCRIBE": ""})
