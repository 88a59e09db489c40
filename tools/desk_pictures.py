"""Pictures of the desk for docs/console.md: a publication of our own samples, served by `digest run`, seen by Chromium.

    python -m tools.desk_pictures [NAME ...]     all of them, or those of these names, into docs/pictures/

The publication is made in a temporary folder: the seeds' articles, the sample readers, a week that was sent, a draft.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PIL import Image

from digest import subscriptions
from digest.app import App, now
from digest.model import Actor, OperatorRole, Revision
from digest.periods import period_named

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT: Final = Path(__file__).resolve().parents[1]
PICTURES: Final = ROOT / "docs" / "pictures"
ADDRESS: Final = "ada@desk.example"
PASSWORD: Final = "seven wooden boats at noon"  # of a publication that is thrown away
BEFORE: Final = "weekly-2018-W15"
DRAFT: Final = "weekly-2018-W29"
_WIDE: Final = {"width": 1120, "height": 900}
_TALLEST: Final = 1300
_NARROW: Final = {"width": 390, "height": 844}


def main(wanted: list[str]) -> None:
    """Make the pictures."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - a tool of development

    with tempfile.TemporaryDirectory(prefix="desk-") as folder:
        state = Path(folder)
        with _publication(state) as app:
            link = _prepared(app)
        with _served(state) as base, sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-dev-shm-usage"]
            )
            context = browser.new_context(viewport=_WIDE, color_scheme="light", locale="en-GB")  # type: ignore[arg-type] # a TypedDict of two
            page = context.new_page()
            _sign_in(page, base, link)
            for name, path in _pages(state):
                if not wanted or name in wanted:
                    phone = name.endswith("phone")
                    page.set_viewport_size(_NARROW if phone else _WIDE)  # type: ignore[arg-type] # the same
                    answer = page.goto(f"{base}/console{path}")
                    if answer is None or not answer.ok:
                        raise SystemExit(f"{path}: {answer.status if answer else 'no answer'}")
                    page.wait_for_load_state("networkidle")
                    _shoot(page, PICTURES / f"desk-{name}.png")
            browser.close()


def _pages(state: Path) -> Iterator[tuple[str, str]]:
    with _publication(state) as app:
        edition = app.store.editions.get(DRAFT).edition
    story = max(edition.items, key=lambda item: (len(item.story.also), item.score)).story.key
    yield "editions", "/editions"
    yield "draft", f"/editions/{DRAFT}"
    yield "draft-phone", f"/editions/{DRAFT}"
    yield "story", f"/editions/{DRAFT}/stories/{story}"
    yield "look", f"/editions/{DRAFT}/look"
    yield "look-phone", f"/editions/{DRAFT}/look?as=phone"
    yield "left-out", f"/editions/{DRAFT}/left-out"
    yield "preflight", f"/editions/{DRAFT}/preflight"
    yield "approve", f"/editions/{DRAFT}/approve"
    yield "difference", f"/editions/{DRAFT}/difference"
    yield "history", f"/editions/{DRAFT}/history"
    yield "campaign", f"/campaigns/{BEFORE}"


@contextmanager
def _publication(state: Path) -> Iterator[App]:
    with App.open(ROOT, _overrides(state)) as app:
        yield app


def _overrides(state: Path) -> dict[str, str]:
    return {
        "DIGEST_PATHS_STATE": str(state),
        "DIGEST_STORE_URL": "",
        "DIGEST_DELIVERY_SITE_FILE": str(state / "site.json"),
        "DIGEST_MAIL_HOST": "",
    }


def _prepared(app: App) -> str:
    """Fill the publication; the secret of the first operator's link."""
    subscriptions.import_csv(
        app.store, ROOT / "subscribers" / "sample-readers.csv", places=app.places,
        themes={theme.id: theme for theme in app.taxonomy}, digests=[rule.key for rule in app.settings.digests],
        now=now(),
    )  # fmt: skip
    rule = app.settings.digests[0]
    app.pipeline.run(rule, period_named(rule, "2018-W15", app.settings.zone), by="grace@desk.example")
    _one, secret = app.staff.add(ADDRESS, OperatorRole.ADMIN, by=Actor.system("tools"), name="Ada")
    by = Actor(name="grace@desk.example", via=Actor.system("").via)
    made = app.desk.draft("weekly", "2018-W29", by=by)
    if not isinstance(made, Revision):
        raise SystemExit(made.reason)
    items = made.edition.items
    app.desk.pin(DRAFT, items[1].story.key, by=by)
    app.desk.note(DRAFT, "A short week: the port, the ponds, and who pays for them.", by=by)
    app.desk.retitle(DRAFT, items[-1].story.key, f"{items[-1].story.lead.title}, in brief", by=by)
    app.desk.preflight(DRAFT)
    for number, item in enumerate(app.store.editions.get(BEFORE).edition.items):
        for _ in range(7 * number + 3):
            app.store.reads.add(item.story.key, now().date())
    return secret


@contextmanager
def _served(state: Path) -> Iterator[str]:
    """`digest run` on a free port of loopback."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, **_overrides(state), "DIGEST_WEB_PORT": str(port)}  # noqa: TID251 - a child inherits it
    process = subprocess.Popen(
        [sys.executable, "-m", "digest", "-C", str(ROOT), "run"], env=environment, stdout=subprocess.DEVNULL
    )
    try:
        base = f"http://127.0.0.1:{port}"
        for _ in range(900):
            try:
                urllib.request.urlopen(f"{base}/healthz", timeout=5).close()
                break
            except OSError:
                time.sleep(0.2)
        yield base
    finally:
        process.terminate()
        process.wait(60)


def _sign_in(page: Page, base: str, secret: str) -> None:
    page.goto(f"{base}/console/welcome/{secret}")
    page.fill("#password", PASSWORD)
    page.fill("#again", PASSWORD)
    page.click("button[type=submit]:has-text('Set the password')")
    page.fill("#address", ADDRESS)
    page.fill("#password", PASSWORD)
    page.click("button:has-text('Sign in')")


def _shoot(page: Page, path: Path) -> None:
    """Take a picture of the page, at most two screens high, and make it small."""
    height = min(page.evaluate("document.documentElement.scrollHeight"), _TALLEST)
    width = page.viewport_size["width"] if page.viewport_size else _WIDE["width"]
    page.screenshot(path=path, clip={"x": 0, "y": 0, "width": width, "height": height}, full_page=True)
    Image.open(path).convert("RGB").quantize(160).save(path, optimize=True)
    sys.stdout.write(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1024:.0f} KB\n")


if __name__ == "__main__":
    names = [name for name in sys.argv[1:] if re.fullmatch(r"[a-z-]+", name)]
    main(names)
