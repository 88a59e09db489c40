"""What holds for all tests: nothing is written outside their own folders; and one browser for those that need one."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# Where an installation notes that it is the one that sends (digest.deliver.Fence); children of tests inherit it.
_HOME = tempfile.mkdtemp(prefix="digest-tests-")
os.environ["XDG_STATE_HOME"] = _HOME
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)


# Files whose tests wait for processes and servers, the longest first: begun last, one would keep a processor waiting alone.
_LONG = (
    "test_cli",
    "test_deliveries",
    "test_runs",
    "test_service",
    "test_cli_words",
    "test_jobs",
    "test_letters",
    "test_templates_cli",
    "test_wheel",
    "test_machines",
    "test_copying",
    "test_press",
    "test_browser",
    "test_docs",
    "test_api",
    "test_walk",
    "test_weekly",
    "test_demo",
    "test_kill",
    "test_check",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long files first (with --no-loadscope-reorder they are also begun first)."""
    order = {name: place for place, name in enumerate(_LONG)}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))


def _chromium() -> str:
    """Debian's Chromium, installed first where that is possible; "" where there is none."""
    if not shutil.which("chromium") and os.geteuid() == 0 and shutil.which("apt-get"):
        command = ["apt-get", "install", "-y", "--no-install-recommends", "chromium", "fonts-noto-cjk"]
        subprocess.run(
            command, check=False, capture_output=True, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        )
    return shutil.which("chromium") or ""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium without a window; make a context of your own in it, and close it.

    Not for the whole session: while Playwright runs, no test of the same thread can run an event loop of its own.
    """
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - takes a third of a second

    path = _chromium()
    if not path:
        pytest.skip("NO CHROMIUM: pages are not looked at in a browser (apt-get install chromium)")
    with sync_playwright() as playwright:
        # Loopback only, and no sandbox of its own where tests run as root in a container.
        arguments = [
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        ]
        chromium = playwright.chromium.launch(executable_path=path, args=arguments)
        yield chromium
        chromium.close()
