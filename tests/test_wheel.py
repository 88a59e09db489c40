"""The wheel, as it is installed: it carries what a new publication starts with."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The content of the wheel, apart from this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(folder / "site")
    return folder / "site"


def digest(installed: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # Not measured: what runs here is the wheel's copy of the package.
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("DIGEST_", "COV"))}
    return subprocess.run(
        [sys.executable, "-m", "digest", *arguments],
        cwd=folder,
        env={**environ, "PYTHONPATH": str(installed), "COLUMNS": "160"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_carries_templates_seeds_readers_and_data(installed: Path) -> None:
    for name in (
        "_shipped/templates/email/weekly-report/body.html",
        "_shipped/templates/demo/index.html",
        "_shipped/seeds/samples/LICENSE",
        "_shipped/subscribers/README.md",
        "_shipped/locale/zh_Hans/LC_MESSAGES/digest.po",
        "_shipped/digest.toml",
        "classify/taxonomy.toml",
        "store/migrations/env.py",
        "py.typed",
    ):
        assert (installed / "digest" / name).exists(), name


def test_a_publication_begun_from_it_does_the_main_job(installed: Path, tmp_path: Path) -> None:
    begun = digest(installed, tmp_path, "init", "weekly")
    assert begun.returncode == 0, begun.stderr
    shown = digest(installed, tmp_path / "weekly", "demo")
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert (tmp_path / "weekly" / "var" / "demo" / "index.html").exists()
