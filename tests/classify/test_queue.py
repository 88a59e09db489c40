"""What the learner leaves to an editor, as `digest queue` lists it: articles between two themes, until one is refiled."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path

import pytest

from digest.app import App, now
from digest.cli import run
from digest.model import Actor, Via
from digest.store import Sought
from tests.classify.test_learner import TAXONOMY, WORDS, corrected
from tests.harbour import SETTINGS

ADA = Actor(name="ada@desk.example", via=Via.CONSOLE)
MIXED = "water loan ferry lender flood interest boats deposit heron branch bank bank."


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A publication whose editor filed sixty articles, and a new one that speaks of two themes alike."""
    home = tmp_path_factory.mktemp("queue")
    (home / "digest.toml").write_text(f'{SETTINGS}\n[paths]\ntaxonomy = "taxonomy.toml"\n')
    (home / "taxonomy.toml").write_text(TAXONOMY)
    day = now() - timedelta(days=2)
    known = {f"{theme} {number}": theme for number in range(20) for theme in WORDS}
    items = [
        {
            "id": name,
            "title": f"No. {name}",
            "content_text": corrected(int(name.split()[1]), theme).article.paragraphs[0],
        }
        for name, theme in known.items()
    ]
    items.append({"id": "mixed", "title": "Of two minds", "content_text": MIXED})
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Aldmere Echo",
        "items": [
            one | {"date_published": day.isoformat(), "url": f"https://echo.example/{n}"} for n, one in enumerate(items)
        ],
    }
    (home / "incoming").mkdir()
    path = home / "incoming" / "feed.json"
    path.write_text(json.dumps(feed))
    os.utime(path, (day.timestamp(), day.timestamp()))  # nobody is writing it any more
    with App.open(home) as app:
        app.pipeline.pick_up()
        app.pipeline.classify()
        uids = {card.title: card.uid for _, card in app.store.cards.find(Sought(), limit=100)}
        for theme in WORDS:
            app.newsroom.refile([uids[f"No. {n}"] for n, its in known.items() if its == theme], themes=[theme], by=ADA)
    return home


def test_it_lists_what_the_learner_is_unsure_of(taught: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["-C", str(taught), "queue", "--json"]) == 0
    (waiting,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert waiting["title"] == "Of two minds"
    assert set(waiting["between"]) <= {"river", "money"} != set()
    assert run(["-C", str(taught), "queue"]) == 0
    told = capsys.readouterr().out
    assert "Of two minds" in told
    assert "unsure of" in told
    assert run(["-C", str(taught), "refile", waiting["article"], "--theme", "money"]) == 0
    assert run(["-C", str(taught), "queue"]) == 0
    assert "No article waits for an editor." in capsys.readouterr().out


def test_without_corrections_it_says_what_it_takes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "digest.toml").write_text(SETTINGS)
    assert run(["-C", str(tmp_path), "queue"]) == 0
    assert "30 corrected articles" in " ".join(capsys.readouterr().out.split())
