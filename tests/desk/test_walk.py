"""The weekly in a browser, the short way: from a fresh draft to the report. Killed and resumed: tests/conformance/test_editor.py."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from digest.app import App
from digest.model import EditionState
from tests.desk.publication import begin, moved
from tests.desk.walking import EDITION, Walk, invited, looking
from tests.serving import serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made before the browser: while that runs, no test of this thread can run an event loop of its own."""
    return begin(tmp_path_factory.mktemp("walk") / "weekly", draft=False)


def test_from_a_fresh_draft_to_the_report(fresh: Path, browser: Browser, tmp_path: Path) -> None:
    folder = moved(fresh, tmp_path / "weekly")
    with App.open(folder, {"DIGEST_OPERATIONS_TICK": "1"}) as app:
        secret = invited(app)
        with serving(app, "send") as base, looking(browser) as page:
            walk = Walk(page, base)
            walk.sign_in(secret)
            walk.compose()
            walk.press("Shenzhen tests", "Pin")
            walk.note("Trams, buses and a bridge.")
            assert "Trams, buses and a bridge." in walk.look()
            walk.approve()
            walk.send()
            walk.wait_report()
            assert walk.figure("accepted") == 2
        assert app.store.editions.state(EDITION) is EditionState.SENT


@pytest.mark.heavy
def test_without_a_script_every_act_is_a_form(fresh: Path, browser: Browser, tmp_path: Path) -> None:
    with App.open(moved(fresh, tmp_path / "weekly")) as app:
        secret = invited(app)
        with serving(app) as base, looking(browser, scripts=False) as page:
            walk = Walk(page, base)
            walk.sign_in(secret)
            walk.compose()
            walk.press("Beijing museum", "Drop")
            assert not any("Beijing" in title for title in walk.titles())
            walk.approve()
            walk.send()
            assert page.locator("noscript meta[http-equiv=refresh]").count() == 1
