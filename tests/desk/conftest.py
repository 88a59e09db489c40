"""A publication with an edition that is out and a draft of the next, copied for each test that changes it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from digest.app import App, now
from digest.periods import period_named
from digest.settings import FILE
from digest.store import Wanted
from tests.harbour import SETTINGS as HARBOUR
from tests.store.samples import CONSENT

SETTINGS = HARBOUR.replace(
    '[[digests.sections]]\nkey = "elsewhere"',
    '[[digests.sections]]\nkey = "china"\nregion = "CN"\n'
    '[[digests.sections]]\nkey = "israel"\nregion = "IL"\n'
    '[[digests.sections]]\nkey = "elsewhere"',
)
STORIES = {
    "2018-07-10": "Guangzhou port adds a night shift. Dockers will unload grain ships until dawn, the harbour master said.",
    "2018-07-11": "Haifa drops a paper form for exporters. Olive growers had signed it in three copies since the war.",
    "2018-07-17": "Tel Aviv opens a tram line. Passengers queued at the beach stop before sunrise to get the first tickets.",
    "2018-07-18": "Shanghai plans a bridge over the river. Engineers want to hang it from two towers of white steel.",
    "2018-07-19": "Beijing museum lends bronzes to Jerusalem. Curators packed forty bells and a chariot in straw.",
    "2018-07-20": "Shenzhen tests driverless buses. A man with a red flag walks ahead on the first day, by law.",
}
READERS = ("ada@example.net", "bob@example.org")


def tell(folder: Path, day: str, title: str) -> None:
    """Put an article into the publication's drop folder."""
    path = folder / "incoming" / f"{day}.md"
    title, _, text = title.partition(". ")
    path.write_text(f"---\ntitle: {title}\ndate: {day}T09:00:00+00:00\n---\n{text}\n", encoding="utf-8")
    os.utime(path, (1_500_000_000, 1_500_000_000))


@pytest.fixture(scope="session")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("desk") / "weekly"
    (folder / "incoming").mkdir(parents=True)
    (folder / FILE).write_text(SETTINGS, encoding="utf-8")
    for day, title in STORIES.items():
        tell(folder, day, title)
    with App.open(folder, {"XDG_STATE_HOME": str(folder.parent)}) as app:
        wanted = [Wanted(address=address, digest="weekly", consent=CONSENT) for address in READERS]
        app.store.subscribers.put(wanted, now())
        rule = app.settings.digests[0]
        app.pipeline.run(rule, period_named(rule, "2018-W28", app.settings.zone), by="test")
        app.pipeline.compose(rule, period_named(rule, "2018-W29", app.settings.zone))
    return folder


@pytest.fixture
def app(begun: Path, tmp_path: Path) -> Iterator[App]:
    shutil.copytree(begun, tmp_path / "copy")
    with App.open(tmp_path / "copy") as opened:
        opened.fence.arm(opened._standing())
        yield opened
