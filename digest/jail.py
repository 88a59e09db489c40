"""Runs a parser in a child with CPU, memory and output limits, so that a hostile document costs only itself.

    with Jail() as jail:
        tree = jail.run("digest.pickup.inside.feeds:parse", data, {"name": "feed.xml"})

One child is kept and reused: a call is two frames over two pipes (about 0.1 ms), not a new process. The child starts
from scratch (no fork of a threaded parent), with an empty environment, so that no secret of ours is in it. Arguments
and results are JSON, never pickle: what the child says is as untrusted as what it read.

A child that runs out of time, memory or output, or dies, costs its own job (JailError) and is replaced. The limits are
those of setrlimit(2): RLIMIT_CPU (seconds of this job), RLIMIT_AS, no files written, no core dumped; and a wall clock
in the parent. They stop accidents and bombs; they are not a defence against code of the attacker's own.
"""

from __future__ import annotations

import importlib
import json
import math
import os
import resource
import select
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

from digest.errors import JailError

_HEAD: Final = struct.Struct(">II")  # request: length of the JSON call, length of the data
_REPLY: Final = struct.Struct(">cI")  # reply: kind, length of the JSON value
_DONE, _RAISED, _NO_MEMORY, _TOO_MUCH = b"+", b"!", b"m", b"o"
_CHUNK: Final = 1 << 16


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one job may use."""

    cpu_seconds: int = 5
    wall_seconds: float = 20.0
    memory_bytes: int = 1 << 30  # address space of the child, its libraries included
    output_bytes: int = 32 << 20  # of the result as JSON
    jobs: int = 1000  # after so many a child is replaced, so that slow leaks do not add up


class Jail:
    """A parser's child process. Safe to share between threads: jobs take turns.

    A context manager; without `with`, call `close`.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._done = 0  # jobs of this child

    def run(self, function: str, data: bytes = b"", arguments: Mapping[str, Any] | None = None) -> Any:
        """Call `function(data, **arguments)` in the child and return its result.

        Args:
            function: a function at the top of a module: "package.module:name".
            data: the untrusted document.
            arguments: anything that JSON can carry.

        Returns:
            What the function returned, after a way through JSON (tuples are lists, keys are strings).

        Raises:
            JailError: reason "time", "memory" or "output" when a limit was met; "died" when the child ended or the
                function raised (detail names the exception).
        """
        call = json.dumps([function, dict(arguments or {})]).encode()
        with self._lock:
            fresh = self._child is None
            try:
                return self._exchange(call, data)
            except JailError as error:
                if error.reason != "memory" or fresh:
                    raise
            # The memory may have been used up by earlier jobs' leavings; a fresh child tells.
            return self._exchange(call, data)

    def close(self) -> None:
        """End the child. The jail can be used again; it then starts another."""
        with self._lock:
            self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- the parent's side ---------------------------------------------------------------------------------------

    def _exchange(self, call: bytes, data: bytes) -> Any:
        child = self._child or self._start()
        kept = False
        try:
            deadline = time.monotonic() + self._limits.wall_seconds
            conversation = _Conversation(child, deadline)
            conversation.send(_HEAD.pack(len(call), len(data)) + call, data)
            kind, size = _REPLY.unpack(conversation.receive(_REPLY.size))
            if size > self._limits.output_bytes + _CHUNK:  # the child keeps the limit itself, if it is sane
                raise JailError("output", f"more than {self._limits.output_bytes} bytes")
            payload = conversation.receive(size)
            kept = kind in (_DONE, _RAISED, _TOO_MUCH)
        finally:
            self._done += 1
            if not kept or self._done >= self._limits.jobs:
                self._end()
        value = json.loads(payload)
        if kind == _DONE:
            return value
        if kind == _NO_MEMORY:
            raise JailError("memory", str(value))
        if kind == _TOO_MUCH:
            raise JailError("output", str(value))
        raise JailError("died", str(value))

    def _start(self) -> subprocess.Popen[bytes]:
        path = [os.path.abspath(entry) for entry in sys.path]  # noqa: PTH100 - "" means here, and zips are no folders
        program = f"import sys; sys.path[:] = {path!r}; from digest.jail import main; main({asdict(self._limits)!r})"
        try:
            self._child = subprocess.Popen(  # noqa: S603 - our own interpreter on our own text
                [sys.executable, "-I", "-B", "-X", "utf8", "-c", program],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={"OPENBLAS_NUM_THREADS": "1"},
                bufsize=0,
                close_fds=True,
                cwd="/",
                start_new_session=True,  # a terminal's ^C is for us, not for the child
            )
        except OSError as error:
            raise JailError("died", f"cannot start a child: {error}") from error
        self._done = 0
        return self._child

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            for pipe in (child.stdin, child.stdout):
                if pipe is not None:
                    pipe.close()
            child.wait()


class _Conversation:
    """One call and its reply over the child's pipes, neither side ever blocking past the deadline."""

    def __init__(self, child: subprocess.Popen[bytes], deadline: float) -> None:
        if child.stdin is None or child.stdout is None:  # pragma: no cover - Popen was asked for both
            raise JailError("died", "no pipes")
        self._child = child
        self._into, self._from = child.stdin.fileno(), child.stdout.fileno()
        self._deadline = deadline
        os.set_blocking(self._into, False)
        os.set_blocking(self._from, False)

    def send(self, *parts: bytes) -> None:
        for part in parts:
            rest = memoryview(part)
            while rest:
                self._wait(self._into, select.POLLOUT)
                try:
                    rest = rest[os.write(self._into, rest[: 1 << 20]) :]
                except BlockingIOError:  # pragma: no cover - a pipe with less room than poll promised
                    continue
                except BrokenPipeError:
                    raise self._fate() from None

    def receive(self, size: int) -> bytes:
        chunks = bytearray()
        while len(chunks) < size:
            self._wait(self._from, select.POLLIN)
            chunk = os.read(self._from, min(size - len(chunks), 1 << 20))
            if not chunk:
                raise self._fate()
            chunks += chunk
        return bytes(chunks)

    def _wait(self, descriptor: int, event: int) -> None:
        poll = select.poll()
        poll.register(descriptor, event)
        left = self._deadline - time.monotonic()
        if left <= 0 or not poll.poll(math.ceil(left * 1000)):
            raise JailError("time", "no answer within the wall-clock limit")

    def _fate(self) -> JailError:
        """Why the child ended."""
        try:
            code = self._child.wait(timeout=5)
        except subprocess.TimeoutExpired:  # it closed its pipes but lives; the caller kills it
            return JailError("died", "the child closed its pipes")
        if code == -signal.SIGXCPU:
            return JailError("time", "CPU limit")
        if code == -signal.SIGKILL:  # the kernel's out-of-memory killer, or an operator
            return JailError("memory", "killed")
        return JailError("died", f"signal {-code}" if code < 0 else f"exit code {code}")


# --------------------------------------------------------------------------------------------------------------
# The child's side


def serve(calls: BinaryIO, replies: BinaryIO, output_bytes: int, before: Callable[[], None]) -> None:
    """Answer calls until the other side closes. `before` runs ahead of each (it winds up the CPU limit)."""
    functions: dict[str, Callable[..., Any]] = {}
    while len(head := calls.read(_HEAD.size)) == _HEAD.size:
        call_size, data_size = _HEAD.unpack(head)
        call, data = calls.read(call_size), calls.read(data_size)
        before()
        kind, value = _answer(call, data, functions)
        try:
            payload = json.dumps(value).encode()  # ASCII: lone surrogates survive as escapes and are cleaned later
        except (TypeError, ValueError, RecursionError) as error:
            kind, payload = _RAISED, json.dumps(f"the result is not JSON: {error}").encode()
        except MemoryError:
            kind, payload = _NO_MEMORY, b'"the result"'
        if len(payload) > output_bytes:
            kind, payload = _TOO_MUCH, json.dumps(f"{len(payload)} bytes, allowed are {output_bytes}").encode()
        replies.write(_REPLY.pack(kind, len(payload)) + payload)
        replies.flush()


def _answer(call: bytes, data: bytes, functions: dict[str, Callable[..., Any]]) -> tuple[bytes, Any]:
    try:
        name, arguments = json.loads(call)
        function = functions.get(name)
        if function is None:
            module, _, attribute = name.partition(":")
            function = functions[name] = getattr(importlib.import_module(module), attribute)
        return _DONE, function(data, **arguments)
    except MemoryError as error:
        return _NO_MEMORY, str(error)[:500]
    except Exception as error:  # noqa: BLE001 - whatever a parser raises is the answer
        return _RAISED, f"{type(error).__name__}: {error}"[:500]


def confine(memory_bytes: int) -> None:
    """Set the limits that hold for the whole child. They cannot be taken back."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


def wind_up(cpu_seconds: int) -> None:
    """Give this process so many more seconds of CPU from now on; SIGXCPU ends it after them."""
    used = time.process_time()
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(used) + cpu_seconds, hard))


def main(limits: dict[str, Any]) -> None:
    """Be the child: take the pipes for ourselves, confine, serve. Started by `Jail`, by nobody else."""
    with os.fdopen(os.dup(0), "rb") as calls, os.fdopen(os.dup(1), "wb") as replies:
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):  # what a parser prints must not become a reply
            os.dup2(nothing, descriptor)
        os.close(nothing)
        confine(limits["memory_bytes"])
        serve(calls, replies, limits["output_bytes"], lambda: wind_up(limits["cpu_seconds"]))
