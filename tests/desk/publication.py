"""A small publication: an edition that is out, articles for the next, and two readers."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

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


def begin(folder: Path, *, draft: bool = True) -> Path:
    """Make the publication in a new folder; with a draft of the second edition, or before there is one."""
    (folder / "incoming").mkdir(parents=True)
    (folder / FILE).write_text(SETTINGS, encoding="utf-8")
    for day, title in STORIES.items():
        tell(folder, day, title)
    with App.open(folder) as app:
        wanted = [Wanted(address=address, digest="weekly", consent=CONSENT) for address in READERS]
        app.store.subscribers.put(wanted, now())
        rule = app.settings.digests[0]
        app.pipeline.run(rule, period_named(rule, "2018-W28", app.settings.zone), by="test")
        if draft:
            app.pipeline.compose(rule, period_named(rule, "2018-W29", app.settings.zone))
    return folder


def moved(folder: Path, to: Path) -> Path:
    """A copy of the publication, which may send."""
    shutil.copytree(folder, to)
    with App.open(to) as app:
        app.fence.arm(app._standing())
    return to
