"""A parser that misbehaves costs its own job, and nothing else."""

import io
import json
import os
import resource
import sys
import threading
from collections.abc import Iterator

import pytest

from digest import jail as jail_module
from digest.errors import JailError
from digest.jail import Jail, Limits, serve

HERE = "tests.parsers_that_misbehave:"


@pytest.fixture
def jail() -> Iterator[Jail]:
    with Jail(Limits(cpu_seconds=1, wall_seconds=4, memory_bytes=400 << 20, output_bytes=100_000)) as jail:
        yield jail


def test_bytes_and_arguments_go_in_and_json_comes_out(jail: Jail) -> None:
    data = bytes(range(256)) * 4000
    assert jail.run(HERE + "echo", data[:50], {"name": "ü", "n": [1, None]}) == {
        "data": data[:50].decode("latin-1"),
        "name": "ü",
        "n": [1, None],
    }
    assert jail.run(HERE + "pid", data) != os.getpid()


def test_one_child_serves_many_calls(jail: Jail) -> None:
    assert len({jail.run(HERE + "pid") for _ in range(20)}) == 1


@pytest.mark.parametrize(
    ("parser", "reason"),
    [
        ("spin", "time"),
        ("eat", "memory"),
        ("killed", "memory"),
        ("die", "died"),
        ("crash", "died"),
        ("shout", "output"),
        ("flood", "output"),
    ],
)
def test_each_bad_end_has_its_reason_and_the_next_job_works(jail: Jail, parser: str, reason: str) -> None:
    with pytest.raises(JailError) as caught:
        jail.run(HERE + parser)
    assert caught.value.reason == reason
    assert jail.run(HERE + "echo", b"x") == {"data": "x"}


@pytest.mark.parametrize("parser", ["sleep", "hang_up"])
def test_a_child_that_does_nothing_is_ended_by_the_clock(parser: str) -> None:
    with Jail(Limits(wall_seconds=0.7)) as jail:
        with pytest.raises(JailError) as caught:
            jail.run(HERE + parser)
        assert caught.value.reason in {"time", "died"}
        assert jail.run(HERE + "echo") == {"data": ""}


def test_an_exception_is_an_answer_and_the_child_stays(jail: Jail) -> None:
    before = jail.run(HERE + "pid")
    for parser, detail in (
        ("fail", "ValueError: no such tag"),
        ("not_json", "not JSON"),
        ("recurse", "RecursionError"),
        ("missing", "AttributeError"),
    ):
        with pytest.raises(JailError, match=detail) as caught:
            jail.run(HERE + parser)
        assert caught.value.reason == "died"
    assert jail.run(HERE + "pid") == before


def test_what_a_parser_prints_is_no_answer(jail: Jail) -> None:
    assert jail.run(HERE + "chatter") == "said"


def test_lone_surrogates_survive_the_way(jail: Jail) -> None:
    assert jail.run(HERE + "surrogate") == "a\ud800b"


def test_a_parser_writes_no_files_and_sees_no_secrets(jail: Jail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGEST_SMTP_PASSWORD", "hush")
    with pytest.raises(JailError, match="OSError"):
        jail.run(HERE + "write_file")
    assert "DIGEST_SMTP_PASSWORD" not in jail.run(HERE + "environment")


def test_earlier_leavings_do_not_fail_a_job() -> None:
    with Jail(Limits(memory_bytes=400 << 20)) as jail:
        assert [jail.run(HERE + "leak") for _ in range(10)].count(1) >= 2  # a fresh child took over when one was full


def test_children_are_replaced_after_so_many_jobs() -> None:
    with Jail(Limits(jobs=2)) as jail:
        pids = [jail.run(HERE + "pid") for _ in range(4)]
    assert pids[0] == pids[1] != pids[2] == pids[3]


def test_a_child_that_was_killed_between_jobs_costs_nothing() -> None:
    with Jail(Limits(wall_seconds=3)) as jail:
        jail.run(HERE + "echo")
        child = jail._child
        assert child is not None
        child.kill()
        child.wait()
        # SIGKILL is how the kernel ends who takes too much; as this child had worked before, another one tries.
        assert isinstance(jail.run(HERE + "pid", b"x" * 5_000_000), int)
        assert jail._child is not child


def test_threads_take_turns(jail: Jail) -> None:
    answers: list[str] = []

    def ask(word: str) -> None:
        answers.extend(jail.run(HERE + "echo", word.encode())["data"] for _ in range(10))

    threads = [threading.Thread(target=ask, args=(word,)) for word in ("a", "b", "c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["a"] * 10 + ["b"] * 10 + ["c"] * 10


def test_a_jail_can_be_closed_twice_and_used_again(jail: Jail) -> None:
    jail.run(HERE + "echo")
    jail.close()
    jail.close()
    assert jail.run(HERE + "echo") == {"data": ""}


def test_a_child_that_cannot_start_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with Jail() as jail, pytest.raises(JailError, match="cannot start"):
        jail.run(HERE + "echo")


# The child's loop, in this process: what it answers, frame by frame.


def _frames(*calls: tuple[str, bytes, dict[str, object]]) -> io.BytesIO:
    frames = b""
    for name, data, arguments in calls:
        call = json.dumps([name, arguments]).encode()
        frames += jail_module._HEAD.pack(len(call), len(data)) + call + data
    return io.BytesIO(frames + b"\x00")  # a last frame that was cut


def _answers(replies: io.BytesIO) -> list[tuple[bytes, object]]:
    found = []
    data = replies.getvalue()
    while data:
        kind, size = jail_module._REPLY.unpack(data[: jail_module._REPLY.size])
        data = data[jail_module._REPLY.size :]
        found.append((kind, json.loads(data[:size])))
        data = data[size:]
    return found


def test_the_loop_answers_every_call(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_memory(data: bytes) -> None:
        raise MemoryError("full")

    def unwritable(data: bytes) -> object:
        class Greedy(dict[str, str]):
            def items(self) -> object:  # type: ignore[override]  # a value that json cannot hold in memory
                raise MemoryError

        return Greedy(a="b")

    monkeypatch.setattr("tests.parsers_that_misbehave.eat", no_memory)
    monkeypatch.setattr("tests.parsers_that_misbehave.leak", unwritable)
    replies, counted = io.BytesIO(), []
    calls = _frames(
        (HERE + "echo", b"x", {"n": 1}), (HERE + "echo", b"y", {}), (HERE + "fail", b"", {}), (HERE + "eat", b"", {}),
        (HERE + "shout", b"", {}), (HERE + "not_json", b"", {}), (HERE + "leak", b"", {}), ("no.such.module:x", b"", {}),
    )  # fmt: skip
    serve(calls, replies, 1000, lambda: counted.append(1))
    assert [kind for kind, _ in _answers(replies)] == [b"+", b"+", b"!", b"m", b"o", b"!", b"m", b"!"]
    assert _answers(replies)[0][1] == {"data": "x", "n": 1}
    assert len(counted) == 8


def test_limits_are_set_as_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[int, tuple[int, int]] = {}
    monkeypatch.setattr(resource, "setrlimit", lambda which, pair: told.update({which: pair}))
    jail_module.confine(123)
    jail_module.wind_up(7)
    assert told[resource.RLIMIT_AS] == (123, 123)
    assert told[resource.RLIMIT_CORE] == told[resource.RLIMIT_FSIZE] == (0, 0)
    assert told[resource.RLIMIT_CPU][0] >= 7


def test_the_child_takes_the_pipes_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    confined: list[int] = []
    monkeypatch.setattr(jail_module, "confine", confined.append)
    monkeypatch.setattr(jail_module, "wind_up", confined.append)
    kept = [os.dup(descriptor) for descriptor in (0, 1, 2)]
    into, out = os.pipe(), os.pipe()
    try:
        os.write(into[1], _frames((HERE + "chatter", b"", {})).getvalue()[:-1])
        os.close(into[1])
        os.dup2(into[0], 0)
        os.dup2(out[1], 1)
        jail_module.main({"memory_bytes": 1, "output_bytes": 100, "cpu_seconds": 2})
    finally:
        for descriptor, copy in zip((0, 1, 2), kept, strict=True):
            os.dup2(copy, descriptor)
            os.close(copy)
    os.close(out[1])
    assert os.read(out[0], 1000) == jail_module._REPLY.pack(b"+", 6) + b'"said"'
    assert confined == [1, 2]
    for descriptor in (into[0], out[0]):
        os.close(descriptor)
