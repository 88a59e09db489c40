"""The docs say what the code does, and lead somewhere."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tools.commands_page import PAGE as COMMANDS
from tools.commands_page import reference

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    [
        ROOT / "README.md",
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "seeds").rglob("*.md"),
        *(ROOT / "subscribers").glob("*.md"),
    ]
)


def test_the_page_of_commands_is_that_of_the_code() -> None:
    assert COMMANDS.read_text(encoding="utf-8") == reference(), "run: python -m tools.commands_page"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if not target.startswith(("http:", "https:", "mailto:")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_page_is_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    todo = [ROOT / "README.md"]
    while todo:
        page = todo.pop()
        if page in seen or not page.exists():
            continue
        seen.add(page)
        if page.is_dir():
            todo += page.glob("*.md")
        elif page.suffix == ".md":
            todo += [
                (page.parent / target).resolve()
                for target in re.findall(r"\]\(([^)#:]+)[^)]*\)", page.read_text(encoding="utf-8"))
            ]
    missing = [page.name for page in (ROOT / "docs").rglob("*.md") if page not in seen]
    assert not missing


def test_every_module_of_the_tree_is_in_the_architecture_page() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for path in (ROOT / "digest").iterdir():
        if path.suffix == ".py" and path.name != "__init__.py":
            assert path.name in page, f"docs/architecture.md does not name {path.name}"
        elif path.joinpath("__init__.py").exists():
            assert f"{path.name}/" in page or f"{path.name}.py" in page, (
                f"docs/architecture.md does not name {path.name}/"
            )


def test_no_commit_carries_state_or_paths_of_a_machine() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    assert not [name for name in tracked if name.startswith(("var/", ".venv/"))]
    locks = [ROOT / "requirements.lock", ROOT / "requirements-dev.lock"]
    for lock in locks:
        assert "://" not in lock.read_text(encoding="utf-8"), f"{lock.name} names a server"
