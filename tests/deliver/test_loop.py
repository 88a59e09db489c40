from __future__ import annotations

import asyncio
import importlib
import sys

import pytest

from digest.deliver import loop


async def kind() -> str:
    return type(asyncio.get_running_loop()).__module__


def test_delivery_runs_in_uvloop_where_it_is_and_in_asyncio_where_it_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("uvloop")
    assert loop.run_in_loop(kind()) == "uvloop"
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "uvloop", None)  # as if it were not installed
        assert importlib.reload(loop).run_in_loop(kind()).startswith("asyncio")
    importlib.reload(loop)
