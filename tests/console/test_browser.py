"""The desk in Chromium: an operator signs in and works without a script; pages fit, and axe finds nothing."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

import pyotp
import pytest
from axe_playwright_python.sync_playwright import Axe

from digest.model import OperatorRole
from digest.web.serving import listen
from tests.console.conftest import PASSWORD, Desk

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WAIT = 60_000  # milliseconds
OWN = ("", "/audit", "/operators", "/operators/1", "/account", "/account/factor", "/settings", "/nothing")
ROOMS = ("/editions", "/campaigns", "/articles", "/sources", "/subscribers")


@contextmanager
def listening(desk: Desk) -> Iterator[str]:
    """The desk's application on a free port of loopback, in a thread."""
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    started = threading.Event()
    address: list[str] = []

    def ready(host: str, port: int) -> None:
        address.append(f"http://{host}:{port}/console")
        started.set()

    def run() -> None:
        loop.run_until_complete(listen(desk.application, "127.0.0.1", 0, stop, ready))
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert started.wait(60)
    try:
        yield address[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(60)


@pytest.fixture(scope="module")
def base(desk: Desk) -> Iterator[str]:
    with listening(desk) as address:
        yield address


def sign_in(page: Page, base: str, address: str) -> None:
    page.goto(base)
    page.get_by_label("E-mail address").fill(address)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def test_an_operator_signs_in_sets_the_second_factor_up_and_leaves_without_a_script(
    desk: Desk, base: str, browser: Browser
) -> None:
    one = desk.add()
    context = browser.new_context(viewport={"width": 320, "height": 700}, java_script_enabled=False)
    page = context.new_page()
    page.set_default_timeout(WAIT)
    sign_in(page, f"{base}/account", one.address)
    page.get_by_role("link", name="Set it up").click()
    key = page.locator("code.secret").inner_text().replace(" ", "")
    page.get_by_label("The code that the app shows now").fill(pyotp.TOTP(key).at(desk.clock()))
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Switch it on").click()
    recovery = page.locator(".codes code").all_inner_texts()
    assert len(recovery) == 10
    page.get_by_role("link", name="I keep them").click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("status").get_by_text("signed out").wait_for()
    sign_in(page, f"{base}/account", one.address)
    page.get_by_label("Code").fill(recovery[3])
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("heading", name="Your account").wait_for()
    assert "9" in page.get_by_text("Recovery codes left:").inner_text()
    context.close()


SCHEMES: tuple[tuple[int, Literal["light", "dark"]], ...] = ((320, "dark"), (1200, "light"))


@pytest.mark.parametrize(("width", "scheme"), SCHEMES)
def test_pages_fit_and_axe_finds_nothing(
    desk: Desk, base: str, browser: Browser, width: int, scheme: Literal["light", "dark"]
) -> None:
    one = desk.add(OperatorRole.ADMIN)
    context = browser.new_context(
        viewport={"width": width, "height": 800},
        color_scheme=scheme,
        bypass_csp=True,  # axe is a script
    )
    page, axe = context.new_page(), Axe()
    page.set_default_timeout(WAIT)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))

    def look() -> None:
        found = axe.run(page)
        assert found.violations_count == 0, f"{page.url}\n{found.generate_report()}"
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), page.url

    page.goto(base)
    look()
    sign_in(page, base, one.address)
    page.get_by_role("heading", name="Today").wait_for()
    there = [path for path in ROOMS if page.locator(f'nav.menu a[href="/console{path}"]').count()]
    pages = (*OWN, *there)
    for path in pages[SCHEMES.index((width, scheme)) :: 2]:  # each page once: styles are the same for all
        page.goto(base + path)
        look()
    assert not faults
    context.close()


def test_the_keyboard_reaches_the_content_first(desk: Desk, base: str, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 1200, "height": 800})
    page = context.new_page()
    page.set_default_timeout(WAIT)
    sign_in(page, base, desk.add().address)
    page.get_by_role("heading", name="Today").wait_for()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    cookies = {str(one.get("name")): one for one in context.cookies()}
    assert cookies["desk"].get("httpOnly")
    assert cookies["desk"].get("sameSite") == "Lax"
    assert not re.search("desk=", str(page.evaluate("document.cookie")))
    context.close()
