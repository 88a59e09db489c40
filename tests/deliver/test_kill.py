"""`kill -9` of the sender at random moments: nobody is lost, and at most one copy per kill and session is doubled."""

from __future__ import annotations

import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.deliver.ledger import TestLedger
from tests.deliver.test_catch import SERVE

RECIPIENTS, KILLS, SESSIONS = 300, 5, 4


def start_sender(tmp_path: Path, port: int, uncertain: str) -> subprocess.Popen[bytes]:
    arguments = [tmp_path / "ledger.db", port, uncertain, SESSIONS, 2000]
    return subprocess.Popen([sys.executable, "-m", "tests.deliver.sender", *map(str, arguments)])


def arrived(mail: Path) -> tuple[Counter[str], dict[str, set[str]]]:
    """How often each recipient got a copy, and with which Message-IDs."""
    counts: Counter[str] = Counter()
    ids: dict[str, set[str]] = {}
    for file in (mail / "new").iterdir():
        text = file.read_text()
        to = re.findall(r"^Delivered-To: (.*)$", text, re.MULTILINE)[0]
        counts[to] += 1
        ids.setdefault(to, set()).add(re.findall(r"^Message-ID: (.*)$", text, re.MULTILINE)[0])
    return counts, ids


@pytest.mark.slow
@pytest.mark.parametrize("uncertain", ["resend", pytest.param("hold", marks=pytest.mark.heavy)])
def test_killed_again_and_again_it_loses_nobody(tmp_path: Path, uncertain: str) -> None:
    ledger = TestLedger(tmp_path / "ledger.db")
    everyone = {f"reader{n}@example.org" for n in range(RECIPIENTS)}
    ledger.fill(sorted(everyone))
    chance = random.Random(uncertain)
    command = [sys.executable, "-c", SERVE, str(tmp_path / "mail")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as catcher:
        try:
            assert catcher.stdout is not None
            port = int(catcher.stdout.readline())
            kills = 0
            new = tmp_path / "mail/new"
            while kills < KILLS:
                before = len(list(new.iterdir()))
                with start_sender(tmp_path, port, uncertain) as sender:
                    # Killed after some copies of its own have gone out, at a moment that nobody chose.
                    while len(list(new.iterdir())) < before + 10 and sender.poll() is None:
                        time.sleep(0.002)
                    time.sleep(chance.uniform(0, 0.02))
                    assert sender.poll() is None, "it was done before it could be killed"
                    sender.send_signal(signal.SIGKILL)
                    kills += 1
            with start_sender(tmp_path, port, uncertain) as sender:
                assert sender.wait(30) == 0
        finally:
            catcher.send_signal(signal.SIGTERM)
    counts, ids = arrived(tmp_path / "mail")
    doubled = {to for to, count in counts.items() if count > 1}
    held = ledger.addresses("uncertain")
    assert all(len(each) == 1 for each in ids.values())  # a repeated copy has the same Message-ID
    assert ledger.addresses("accepted") <= set(counts)  # nothing is called accepted that did not arrive
    assert ledger.addresses("accepted") | held == everyone
    if uncertain == "hold":
        assert not doubled
        assert everyone - set(counts) <= held  # whoever got nothing is listed
        assert len(held) <= KILLS * SESSIONS
    else:
        assert not held
        assert set(counts) == everyone
        assert sum(counts.values()) - RECIPIENTS <= KILLS * SESSIONS
        assert max(counts.values()) <= 3
    assert sum(ledger.states().values()) == RECIPIENTS
