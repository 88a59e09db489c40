"""What stands in deploy/ and what machines ask: rules that name figures that are there, units, compose, health."""

from __future__ import annotations

import asyncio
import configparser
import json
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import pytest
import yaml

from digest.deliver import TimedTransport
from digest.deliver.transport import Envelope, Leaving, alone
from digest.metrics import BOUNCES, Metrics
from digest.model import Accepted, Outcome, Reply
from digest.settings import SECRETS, variable
from digest.standing import look
from digest.web import probe
from tests.schedule.conftest import MakeWorld, World

DEPLOY = Path(__file__).parent.parent.parent / "deploy"


def figures(world: World) -> str:
    app = world.app
    metrics = Metrics(lambda: look(app.store, app.settings, world.now))
    metrics.copy_took("relay:25", 0.1)
    for count in (metrics.letter, metrics.failed, metrics.edition):
        count("x")
    metrics.picked_up(new=1, edited=0, failures=0)
    with metrics.timed("send"):
        pass
    return metrics.text().decode()


def test_every_rule_names_figures_and_labels_that_are_there(world: World) -> None:
    text = figures(world)
    kinds = dict(re.findall(r"^# TYPE (digest_\w+) (\w+)$", text, re.MULTILINE))
    names = {*kinds, *(f"{name}_bucket" for name, kind in kinds.items() if kind == "histogram")}
    rules = yaml.safe_load((DEPLOY / "prometheus" / "digest.rules.yml").read_text(encoding="utf-8"))
    (group,) = rules["groups"]
    recorded = {rule["record"] for rule in group["rules"] if "record" in rule}
    for rule in group["rules"]:
        asked = set(re.findall(r"\bdigest_\w+", rule["expr"]))
        assert asked <= names, f"{rule}: there is no {asked - names}"
        assert set(re.findall(r"\bdigest:\w+(?::\w+)?", rule["expr"])) <= recorded
        if "alert" in rule:
            assert rule["labels"]["severity"] in {"page", "ticket"}
            assert rule["annotations"]["summary"]
    causes = set(re.findall(r'cause="(\w+)"', (DEPLOY / "prometheus" / "digest.rules.yml").read_text()))
    assert causes <= set(BOUNCES)
    tool = shutil.which("promtool")
    if tool is not None:
        done = subprocess.run([tool, "check", "rules", str(DEPLOY / "prometheus" / "digest.rules.yml")], check=False)
        assert done.returncode == 0


def test_the_page_of_operations_names_every_figure(world: World) -> None:
    page = (DEPLOY.parent / "docs" / "operations.md").read_text(encoding="utf-8")
    for name, kind in re.findall(r"^# TYPE (digest_\w+) (\w+)$", figures(world), re.MULTILINE):
        if kind != "unknown" and not name.endswith("_created"):
            assert name in page, name


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units where systemd-analyze can verify them: the program is not installed here."""
    shutil.copytree(DEPLOY / "systemd", tmp_path / "units")
    for unit in (tmp_path / "units").glob("*.service"):
        unit.write_text(unit.read_text(encoding="utf-8").replace("/opt/digest/bin/digest", "/bin/true"))
    shutil.copy(tmp_path / "units" / "digest-worker@.service", tmp_path / "units" / "digest-worker@1.service")
    return tmp_path / "units"


def test_units_verify_and_share_what_keeps_them_in(units: Path) -> None:
    tool = shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("NO SYSTEMD: units are not verified (apt-get install systemd)")
    names = sorted(str(path) for path in units.iterdir() if path.is_file() and "@." not in path.name)
    done = subprocess.run(
        [tool, "verify", "--man=no", *names],
        capture_output=True,
        text=True,
        check=False,
        env={"SYSTEMD_UNIT_PATH": f"{units}:", "PATH": "/usr/bin:/bin"},
    )
    assert (done.returncode, done.stderr) == (0, "")
    alone_, shared = (
        read(DEPLOY / "systemd" / name) for name in ("digest.service", "digest-.service.d/10-common.conf")
    )
    differ = {"Type", "ExecStart"}
    assert {key: value for key, value in alone_["Service"].items() if key not in differ} == dict(shared["Service"])


def read(unit: Path) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[method-assign,assignment] # systemd's names have capitals
    parser.read(unit, encoding="utf-8")
    return parser


def test_compose_names_settings_and_secrets_that_are_there() -> None:
    compose: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    ours = {name: one for name, one in compose["services"].items() if one["image"] == "digest"}
    assert set(ours) == {"migrate", "web", "scheduler", "worker"}
    known = {variable(path) + "_FILE" for path in SECRETS}
    for one in ours.values():
        for name, value in one["environment"].items():
            if name.endswith("_FILE"):
                assert name in known
                assert value.removeprefix("/run/secrets/") in one["secrets"]
        assert set(one["secrets"]) <= set(compose["secrets"])
        for mount in one["volumes"]:
            source = mount.partition(":")[0]
            assert source.startswith("./") or source in compose["volumes"]
        for other, how in one["depends_on"].items():
            assert other in compose["services"]
            if how["condition"] == "service_healthy":
                assert "healthcheck" in compose["services"][other]
    assert [secret for secret in compose["secrets"] if not compose["secrets"][secret]["file"].startswith("./")] == []


def ask(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310 - our own address
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


async def test_a_process_without_pages_answers_machines_only(make: MakeWorld) -> None:
    world = make(operations_probe_port="0")
    stop, where = asyncio.Event(), asyncio.Queue[str]()
    metrics = Metrics(lambda: look(world.app.store, world.app.settings, world.now))
    served = asyncio.create_task(
        probe(
            world.app,
            stop,
            metrics=metrics.page,
            ready=lambda host, port: where.put_nowait(f"http://{host}:{port}"),
        )
    )
    base = await asyncio.wait_for(where.get(), 60)
    assert await asyncio.to_thread(ask, f"{base}/healthz") == (200, b'{"status":"ok"}')
    status, said = await asyncio.to_thread(ask, f"{base}/readyz")
    assert (status, json.loads(said)["store"]) == (200, "ok")
    status, said = await asyncio.to_thread(ask, f"{base}/metrics")
    assert status == 200
    assert b"digest_queue_copies 0.0" in said
    assert (await asyncio.to_thread(ask, f"{base}/"))[0] == 404
    stop.set()
    await served


class Slow:
    """A session, and a transport of one."""

    sessions = 1
    sign: Callable[[bytes], bytes] | None = None

    async def send(self, _envelope: Envelope, _leaving: Leaving = alone) -> Outcome:
        return Accepted(reply=Reply(code=250))

    async def close(self) -> None:
        """Nothing is open."""

    def session(self) -> Slow:
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_why: object) -> None:
        """Nothing is open."""


async def test_each_message_is_timed_by_its_relay() -> None:
    metrics = Metrics()
    async with TimedTransport(Slow(), lambda seconds: metrics.copy_took("relay:25", seconds)) as transport:
        session = transport.session()
        for _ in range(3):
            await session.send(Envelope(sender="a@b", recipient="c@d", content=b""))
        await session.close()
    assert 'digest_copy_seconds_count{relay="relay:25"} 3.0' in metrics.text().decode()


def test_only_a_process_that_counts_times_its_transport(make: MakeWorld) -> None:
    world = make(mail_host="127.0.0.1", mail_security="none")
    assert not isinstance(world.app.transport(), TimedTransport)
    assert world.app.metrics is not None
    assert isinstance(world.app.transport(), TimedTransport)
