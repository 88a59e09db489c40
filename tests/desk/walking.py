"""The weekly as an editor makes it, in a browser: from signing in to the report of the campaign."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from digest.app import App
from digest.model import Actor, OperatorRole

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ADDRESS = "ada@desk.example"
PASSWORD = "seven wooden boats at noon"
EDITION = "weekly-2018-W29"
PATIENCE = 90_000  # milliseconds


def invited(app: App, address: str = ADDRESS, role: OperatorRole = OperatorRole.ADMIN) -> str:
    """Add an operator; the secret of the link by which they choose a password."""
    return app.staff.add(address, role, by=Actor.system("tests"), name=address.partition("@")[0].title())[1]


@contextmanager
def looking(browser: Browser, *, scripts: bool = True) -> Iterator[Page]:
    """A page of a browser that asks nobody else."""
    context = browser.new_context(java_script_enabled=scripts, viewport={"width": 1200, "height": 900})
    context.set_default_timeout(PATIENCE)
    try:
        yield context.new_page()
    finally:
        context.close()


class Walk:
    """The steps, each by what an editor sees: headings, labels, buttons."""

    def __init__(self, page: Page, base: str) -> None:
        self.page = page
        self.base = base

    def sign_in(self, secret: str, address: str = ADDRESS) -> None:
        page = self.page
        page.goto(f"{self.base}/console/welcome/{secret}")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_label("The same once more").fill(PASSWORD)
        page.get_by_role("button", name="Set the password").click()
        page.get_by_label("E-mail address").fill(address)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("link", name="Editions", exact=True).click()

    def compose(self, period: str = "2018-W29") -> None:
        page = self.page
        page.get_by_label("Period").fill(period)
        page.get_by_role("button", name="Compose a draft").click()
        page.wait_for_url(f"**/editions/{EDITION}")

    def titles(self) -> list[str]:
        return self.page.locator(".items .title").all_inner_texts()

    def press(self, title: str, button: str) -> None:
        """A button of a story's line."""
        line = self.page.locator(".items li", has_text=title)
        line.get_by_role("button", name=button, exact=True).click()
        self.page.locator(".flash.done").first.wait_for()

    def edit(self, title: str, *, headline: str, summary: str) -> None:
        page = self.page
        page.locator(".items .title", has_text=title).click()
        page.get_by_role("heading", name="Why it is here").wait_for()
        page.get_by_label("Headline").fill(headline)
        page.get_by_role("button", name="Change the headline").click()
        page.locator(".flash.done", has_text="Headline changed").wait_for()
        page.get_by_label("Summary").fill(summary)
        page.get_by_role("button", name="Change the summary").click()
        page.locator(".flash.done", has_text="Summary changed").wait_for()
        page.get_by_role("link", name="All stories of this edition").click()

    def tab(self, name: str) -> None:
        self.page.get_by_role("navigation", name="This edition").get_by_role("link", name=re.compile(name)).click()

    def note(self, text: str) -> None:
        page = self.page
        if not page.locator("details.note").evaluate("one => one.open"):
            page.locator("details.note > summary").click()
        page.locator("#note").fill(text)
        page.get_by_role("button", name="Save the note").click()
        page.locator(".flash.done").first.wait_for()

    def look(self) -> str:
        """What stands in the preview's frame."""
        self.tab("As it will look")
        frame = self.page.frame_locator("iframe")
        frame.locator("h1").first.wait_for()
        return frame.locator("body").inner_text()

    def approve(self) -> None:
        page = self.page
        page.get_by_role("link", name="Approve…").click()
        page.get_by_role("button", name=re.compile("Approve revision")).click()
        page.locator(".flash.done", has_text="Approved").wait_for()

    def send(self) -> None:
        page = self.page
        page.get_by_role("link", name="Send now…").click()
        page.get_by_role("button", name="Send it now").click()
        page.wait_for_url(f"**/campaigns/{EDITION}")

    def figure(self, name: str) -> int:
        """A figure of the campaign's page; 0 while the page is being loaded again."""
        field = self.page.locator(f"[data-field={name}]")
        text = field.inner_text() if field.count() else ""
        return int(re.sub(r"\D", "", text) or 0)

    def wait_accepted(self, least: int) -> int:
        """Until the live page says that so many copies were accepted."""
        for _ in range(PATIENCE // 250):
            if self.figure("accepted") >= least:
                break
            self.page.wait_for_timeout(250)
        return self.figure("accepted")

    def wait_report(self) -> None:
        """Until the page has become the report."""
        self.page.get_by_role("heading", name=re.compile("What became of it")).wait_for()
