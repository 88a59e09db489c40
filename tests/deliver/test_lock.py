from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from digest.deliver.lock import only_sender
from digest.errors import Busy

HOLD = "import sys,time,pathlib; from digest.deliver.lock import only_sender\nwith only_sender(pathlib.Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"


def test_a_second_sender_is_told_who_holds_the_lock_and_gets_it_when_the_holder_dies(tmp_path: Path) -> None:
    path = tmp_path / "sender.lock"
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    with holder, holder.stdout:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(Busy, match=f"process {holder.pid}"), only_sender(path):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        with only_sender(path):
            assert path.read_text().strip().isdigit()


def test_it_is_dropped_at_the_end_and_when_the_block_fails(tmp_path: Path) -> None:
    path = tmp_path / "sender.lock"
    with pytest.raises(ZeroDivisionError), only_sender(path):
        _ = 1 / 0
    with only_sender(path), pytest.raises(Busy), only_sender(path):
        pass
    with only_sender(path):
        pass
