"""A reader in Chromium: finds the publication, subscribes by the mail that comes, chooses, pauses, leaves, is erased."""

from __future__ import annotations

import time
from collections.abc import Iterator
from email.message import EmailMessage
from typing import TYPE_CHECKING, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.serving import serving
from tests.web.conftest import EDITION, Here, link_in

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ADA = "ada@example.net"


@pytest.fixture
def served(here: Here) -> Iterator[tuple[Here, str]]:
    with serving(here.app) as base:
        yield here, base


def mail_to(here: Here) -> EmailMessage:
    """The mail that the job `letters` sends in the background."""
    for _ in range(600):
        if mails := here.mails():
            return mails[0]
        time.sleep(0.05)
    raise AssertionError("no mail came")


def path(url: str) -> str:
    return url.removeprefix("https://weekly.example.com")


def fits(page: Page) -> None:
    """Nothing stands out of the window sideways."""
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), page.url


def test_a_reader_s_whole_life_without_scripts(served: tuple[Here, str], browser: Browser) -> None:
    live(*served, browser, scripts=False)


def live(here: Here, base: str, browser: Browser, *, scripts: bool) -> None:
    """What a reader does from the first visit to being erased; tests/conformance does it with scripts too."""
    context = browser.new_context(viewport={"width": 360, "height": 800}, java_script_enabled=scripts)
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.goto(base)
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Subscribe").click()
    page.get_by_label("E-mail address").fill(ADA)
    page.get_by_text("Choose regions, themes").click()
    page.get_by_label("Guangdong").check()
    page.wait_for_timeout(3_100)  # nobody is faster than that, and programs are turned away
    page.get_by_role("button", name="Subscribe").click()
    page.get_by_role("heading", name="Look into your mailbox").wait_for()
    page.goto(base + link_in(mail_to(here), "confirm"))
    page.get_by_role("button", name="Yes, I subscribe").click()
    assert here.state() == "active"
    page.get_by_role("link", name="Change what you receive").first.click()
    assert page.get_by_label("Guangdong").is_checked()
    page.get_by_label("Day", exact=True).select_option("Friday")
    page.get_by_role("button", name="Save").click()
    assert page.get_by_role("status").inner_text().startswith("Your choices are saved")
    page.get_by_role("button", name="Pause", exact=True).click()
    assert here.state() == "paused"
    page.get_by_role("button", name="Resume").click()
    page.get_by_role("button", name="Make my own feed").click()
    assert "/feeds/own/" in page.get_by_label("Its address (Atom)").input_value()
    page.get_by_role("link", name="Unsubscribe").click()
    page.get_by_role("button", name="Yes, unsubscribe").click()
    assert here.state() == "ended"
    page.get_by_role("button", name="That was a mistake").click()
    assert here.state() == "active"
    page.get_by_role("link", name="Erase me").click()
    page.get_by_role("button", name="Yes, erase everything").click()
    page.get_by_role("heading", name="You are erased").wait_for()
    assert here.app.store.subscribers.of(ADA) == ()
    context.close()


def pages_of(here: Here) -> dict[str, str]:
    """Every kind of page, by name."""
    number = here.reader()
    links = here.app.links
    return {
        "home": "/",
        "archive": "/editions/",
        "edition": f"/editions/{EDITION}.html",
        "search": "/search?q=port",
        "story": f"/stories/{here.app.store.archive.newest(1)[0]}",
        "region": "/regions/CN-GD",
        "subscribe": "/subscribe",
        "link": "/preferences",
        "choices": path(links.preferences(number)),
        "leave": path(links.unsubscribe(number)),
        "erase": path(links.preferences(number)) + "/erase",
        "missing": "/nothing",
    }


def look_at(
    browser: Browser, addresses: list[str], width: int, scheme: Literal["light", "dark"] = "light", language: str = "en"
) -> None:
    """Open pages: each fits its window, and axe finds no violation."""
    context = browser.new_context(
        viewport={"width": width, "height": 800},
        color_scheme=scheme,
        locale=language,
        bypass_csp=True,  # axe is a script; that pages run none, other tests see
    )
    page, axe = context.new_page(), Axe()
    for address in addresses:
        page.goto(address)
        fits(page)
        found = axe.run(page)
        assert found.violations_count == 0, f"{address}: {found.generate_report()}"
    context.close()


def test_pages_are_accessible_and_fit(served: tuple[Here, str], browser: Browser) -> None:
    """The narrowest window; tests/conformance looks at all of them."""
    here, base = served
    pages = pages_of(here)
    look_at(browser, [base + pages[name] for name in ("home", "search", "subscribe", "choices", "leave")], 320)


def test_a_form_is_filled_in_by_keyboard_alone(served: tuple[Here, str], browser: Browser) -> None:
    _, base = served
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{base}/subscribe")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "address"
    page.keyboard.type("not an address")
    page.keyboard.press("Enter")
    page.get_by_role("alert").wait_for()
    assert page.get_by_label("E-mail address").get_attribute("aria-invalid") == "true"
    context.close()


def test_the_print_leaves_out_what_nobody_needs_on_paper(served: tuple[Here, str], browser: Browser) -> None:
    _, base = served
    context = browser.new_context()
    page = context.new_page()
    page.goto(base)
    page.emulate_media(media="print")
    assert not page.get_by_role("navigation", name="Main").is_visible()
    assert page.get_by_role("heading", level=1).is_visible()
    context.close()
