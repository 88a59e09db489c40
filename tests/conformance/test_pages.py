"""Every page in every width, scheme and language; every hostile story."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

import pytest

from tests.serving import serving
from tests.web import test_hostile as hostile
from tests.web.conftest import Here, here, make, published  # noqa: F401 - fixtures
from tests.web.test_browser import live, look_at, pages_of
from tests.web.test_hostile import Watch, attacked, watch  # noqa: F401 - fixtures

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.heavy


@pytest.fixture
def served(here: Here) -> Iterator[tuple[Here, str]]:  # noqa: F811 - the fixture of that name
    with serving(here.app) as base:
        yield here, base


def test_a_reader_s_whole_life_with_scripts(served: tuple[Here, str], browser: Browser) -> None:
    live(*served, browser, scripts=True)


@pytest.mark.parametrize("width", [320, 720, 1200])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_every_page_is_accessible_and_fits(
    served: tuple[Here, str], browser: Browser, width: int, scheme: Literal["light", "dark"], language: str
) -> None:
    publication, base = served
    look_at(browser, [base + address for address in pages_of(publication).values()], width, scheme, language)


def test_no_page_of_any_story_runs_a_script(attacked: Here, watch: Watch) -> None:  # noqa: F811 - same
    keys = [item.story.key for item in attacked.app.store.editions.approved(hostile.WEEK).edition.items]
    with serving(attacked.app) as base:
        for key in keys:
            watch.open(f"{base}/stories/{key}")
