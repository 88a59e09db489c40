"""Feeds from the command line, and the hub from `digest run`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from digest.app import now
from digest.cli import run
from digest.deliver import Halt
from digest.metrics import Metrics
from digest.schedule.jobs import PROBLEMS, Jobs
from tests.publish.world import tale, world

HUB = "http://127.0.0.1:9/"


def test_feeds_are_listed_written_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, target = tmp_path / "here", tmp_path / "cdn"
    with world(folder, hub=HUB) as here:
        here.carry("2018-W29", tale("a"))

        def said(*words: str, code: int = 0) -> str:
            capsys.readouterr()
            assert run(["-C", str(folder), "feeds", *words]) == code
            return capsys.readouterr().out

        done = json.loads(said("write", str(target), "--json"))
        assert done["files"] == len(done["changed"])
        assert done["removed"] == []
        assert f"{done['files']} files in {target}, 0 of them written, 0 removed" in said("write", str(target))
        (target / "feeds/atom.xml").unlink()
        (target / "feeds/.written.json").write_text('["feeds/old.xml"]')
        told = said("write", str(target))
        assert "  feeds/atom.xml" in told
        assert "  feeds/old.xml (removed)" in told
        assert "https://news.example/feeds/editions/atom.xml" in said("list")
        lines = [json.loads(line) for line in said("list", "--json").splitlines()]
        assert lines[0]["title"] == "Our Weekly"
        assert lines[0]["entries"] == 1
        assert "to be told" in said("hub")
        assert "no connection" in said("hub", "--again", "--now", code=1)
        assert all(json.loads(line)["failed"] for line in said("hub", "--json").splitlines()[:3])

        jobs = Jobs(here.app, clock=now, halt=Halt(), metrics=Metrics())
        here.app.store.feeds.owe(["https://news.example/feeds/atom.xml"], now())
        jobs.ping()
        (problem,) = here.app.store.sources.problems(PROBLEMS)
        assert "the hub was not told" in problem.what
        jobs.ping()  # nothing is due: the problem stays
        assert [one.what for one in here.app.store.sources.problems(PROBLEMS)] == [problem.what]


def test_without_a_hub_the_command_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with world(tmp_path) as here:
        assert run(["-C", str(here.folder), "feeds", "hub", "--now"]) == 0
    assert "No hub is set" in capsys.readouterr().out
