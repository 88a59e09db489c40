"""An editor runs the weekly from a browser, and the process that sends is killed half-way: nobody is left out.

The console is served by one process, the sending is another one's: `digest run`, killed by SIGKILL and started again.
"""

from __future__ import annotations

import email
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from digest.app import App, now
from digest.deliver import Catcher
from digest.model import DeliveryState, EditionState
from digest.store import Wanted
from tests.desk.publication import begin, moved
from tests.desk.walking import EDITION, Walk, invited, looking
from tests.serving import serving
from tests.store.samples import CONSENT

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.heavy
READERS = 150
SESSIONS = 2
RATE = 12  # copies a second: slow enough to be killed half-way


@contextmanager
def running(folder: Path, settings: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """`digest run` without its web server, in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "digest", "-C", str(folder), "run"], env={**os.environ, **settings}
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made before the browser: while that runs, no test of this thread can run an event loop of its own."""
    return begin(tmp_path_factory.mktemp("editor") / "weekly", draft=False)


def test_the_weekly_from_a_fresh_draft_to_the_sent_campaign_killed_and_resumed_half_way(
    fresh: Path, browser: Browser, tmp_path: Path
) -> None:
    folder = moved(fresh, tmp_path / "weekly")
    with Catcher(tmp_path / "caught") as catcher:
        settings = {
            "DIGEST_MAIL_HOST": catcher.host,
            "DIGEST_MAIL_PORT": str(catcher.port),
            "DIGEST_MAIL_SECURITY": "none",
            "DIGEST_MAIL_SESSIONS": str(SESSIONS),
            "DIGEST_MAIL_RATE": str(RATE),
            "DIGEST_OPERATIONS_WEB": "false",
            "DIGEST_OPERATIONS_TICK": "1",
        }
        with App.open(folder, settings) as app:
            wanted = [
                Wanted(address=f"reader{number}@example.net", digest="weekly", consent=CONSENT)
                for number in range(READERS)
            ]
            app.store.subscribers.put(wanted, now())
            everyone = app.store.reports.audience("weekly")
            secret = invited(app)
            with serving(app) as base, looking(browser) as page:
                walk = Walk(page, base)
                walk.sign_in(secret)
                walk.compose()
                # An editor's morning: look, order, words.
                walk.press("Shenzhen tests", "Pin")
                walk.edit(
                    "Tel Aviv opens", headline="Trams for Tel Aviv", summary="The first ones left before sunrise."
                )
                walk.press("Beijing museum", "Drop")
                assert not any("Beijing" in title for title in walk.titles())
                walk.tab("Left out")
                page.get_by_role("button", name="Take it in").first.click()
                walk.tab("Stories")
                walk.note("Trams, buses and a bridge.")
                said = walk.look()
                assert "Trams for Tel Aviv" in said
                assert "Trams, buses and a bridge." in said
                walk.tab("Preflight")
                assert page.get_by_text("Blocks approval").count() == 0
                walk.approve()
                walk.send()
                # The process that sends is killed when about a third is out, and another one goes on.
                with running(folder, settings) as first:
                    before = walk.wait_accepted(everyone // 3)
                    first.send_signal(signal.SIGKILL)
                    first.wait(60)
                left = app.store.campaigns.tally(EDITION)
                assert left[DeliveryState.QUEUED] > 0, "it was killed too late to tell anything"
                assert before < everyone
                # Paused meanwhile by the editor, and resumed: nothing leaves in between.
                page.get_by_role("button", name="Pause").click()
                page.get_by_role("button", name="Resume").click()
                with running(folder, settings):
                    walk.wait_report()
                assert walk.figure("accepted") == everyone
            tally = app.store.campaigns.tally(EDITION)
            assert tally[DeliveryState.ACCEPTED] == everyone
            assert app.store.editions.state(EDITION) is EditionState.SENT
    got = Counter(
        email.message_from_bytes(path.read_bytes())["Delivered-To"] for path in (tmp_path / "caught" / "new").iterdir()
    )
    assert len(got) == everyone
    assert sum(got.values()) - everyone <= SESSIONS  # what was in flight when the process died, and nothing else
