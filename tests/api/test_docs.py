"""Every command of docs/api.md, run by a shell against a real server; and a stream that goes on."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import httpx

from digest.model import EditionState
from tests.api.conftest import EDITION, Api, desk  # noqa: F401 - a fixture
from tests.serving import serving

PAGE = Path(__file__).parent.parent.parent / "docs" / "api.md"


def test_the_commands_of_the_page_do_a_weekly(desk: Api, tmp_path: Path) -> None:  # noqa: F811 - same
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    script = "set -eu\n" + "\nprintf '\\n'\n".join(blocks)
    places = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    with serving(desk.app) as base:
        variables = {"PATH": places, "API": f"{base}/api/v1", "TOKEN": desk.publisher, "no_proxy": "*"}
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=tmp_path,
            env=variables,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    pinned, approved = (json.loads((tmp_path / f"{name}.json").read_bytes()) for name in ("pinned", "approved"))
    assert pinned["choice"]
    assert approved["complete"]
    assert "Ferries are back." in done.stdout
    assert desk.app.store.editions.state(EDITION) is EditionState.APPROVED
    assert EDITION in desk.app.store.runs.sendable()


def test_a_stream_tells_what_happens_while_it_is_open(desk: Api) -> None:  # noqa: F811 - same
    with serving(desk.app) as base:
        headers = {"Authorization": f"Bearer {desk.publisher}", "Accept": "text/event-stream"}
        kinds: list[str] = []
        open_ = threading.Event()

        def listen() -> None:
            with httpx.stream("GET", f"{base}/api/v1/events/stream?seconds=60", headers=headers, timeout=60) as answer:
                for line in answer.iter_lines():
                    if line.startswith("retry:"):
                        open_.set()
                    if line.startswith("event:"):
                        kinds.append(line[7:])
                    if len(kinds) == 2:
                        return

        listener = threading.Thread(target=listen)
        listener.start()
        assert open_.wait(60)
        httpx.post(
            f"{base}/api/v1/editions/{EDITION}/note",
            headers=headers | {"Accept": "*/*"},
            json={"text": "Hear"},
            timeout=60,
        )
        listener.join(60)
    assert kinds == ["edition.note", "edition.revised"]
