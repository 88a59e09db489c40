"""Campaigns against real servers: nobody left out, nobody twice."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from digest.deliver.campaign import run
from digest.deliver.maildir import MaildirTransport
from digest.deliver.pace import DomainRate
from digest.deliver.policy import Policy
from digest.deliver.report import Progress, Report
from digest.deliver.smtp import SMTPTransport, Timeouts
from digest.deliver.transport import Envelope
from digest.errors import DeliveryError, StoreError
from digest.model import Claim, Skipped
from tests.deliver.ledger import TestLedger
from tests.deliver.server import Rogue

SOON = (timedelta(seconds=0.05),)
QUICK = Policy(delays=SOON, linger=timedelta(seconds=5), pause=timedelta(seconds=0.02))
TIMEOUTS = Timeouts(connect=2, command=0.3, final=0.3, quit=0.3)


def now() -> datetime:
    return datetime.now(UTC)


def make(claim: Claim) -> Envelope:
    head = f"From: news@example.org\r\nTo: {claim.address}\r\nMessage-ID: {claim.message_id}\r\n\r\n"
    return Envelope(sender="bounce@example.org", recipient=claim.address, content=head.encode() + b"Hello.\r\n" * 50)


def transport(server: Rogue, sessions: int = 3, **more: Any) -> SMTPTransport:
    return SMTPTransport("127.0.0.1", server.port, sessions=sessions, timeouts=TIMEOUTS, **more)


@pytest.fixture
def ledger(tmp_path: Path) -> TestLedger:
    return TestLedger(tmp_path / "ledger.db")


async def send(ledger: TestLedger, server: Rogue, *, sessions: int = 3, **kwargs: Any) -> Report:
    kwargs.setdefault("policy", QUICK)
    kwargs.setdefault("make", make)
    maker: Callable[[Claim], Envelope | Skipped] = kwargs.pop("make")
    port = transport(server, sessions, sign=kwargs.pop("sign", None))
    return await run(ledger, port, maker, clock=now, **kwargs)


async def test_everybody_gets_one_copy_and_the_ledger_says_so(ledger: TestLedger) -> None:
    ledger.fill(f"reader{n}@example.org" for n in range(60))
    told: list[Progress] = []
    async with Rogue() as server:
        report = await send(ledger, server, sessions=5, progress=told.append, revision=3)
    assert Counter(kept.recipient for kept in server.kept) == {f"reader{n}@example.org": 1 for n in range(60)}
    assert all(kept.sender == "bounce@example.org" for kept in server.kept)
    assert ledger.states() == {"accepted": 60}
    assert report.complete
    assert (report.accepted, report.refused, report.recovered) == (60, 0, 0)
    assert server.connections == server.most_at_once == 5
    assert ledger.row("reader0@example.org") == ("accepted", 1, "250 2.0.0 kept", False)
    assert ledger.db.execute("SELECT DISTINCT revision FROM delivery").fetchall() == [(3,)]
    assert told[-1].accepted == 60
    # Group commit: each copy is in two, for its leaving and its end; sessions share them.
    assert ledger.exchanges < 2 * 60


async def test_a_second_run_sends_nothing(ledger: TestLedger) -> None:
    ledger.fill(["one@example.org"])
    async with Rogue() as server:
        await send(ledger, server)
        again = await send(ledger, server)
    assert len(server.kept) == 1
    assert again.accepted == 0
    assert again.complete


async def test_each_kind_of_end_is_recorded_as_what_it_is(ledger: TestLedger) -> None:
    ledger.fill(
        f"{kind}@example.org"
        for kind in ("refuse-1", "policy-1", "spam-1", "nodata-1", "later-1", "cut-1", "cut-data-1", "cut-dot-1", "ok")
    )
    async with Rogue() as server:
        report = await send(ledger, server, sessions=1)
    assert ledger.row("refuse-1@example.org") == (
        "refused",
        1,
        "550 5.1.1 <refuse-1@example.org>: no such user",
        False,
    )
    assert ledger.row("policy-1@example.org") == ("refused", 1, "550 5.7.1 you are on a list see elsewhere", True)
    assert ledger.row("spam-1@example.org")[3]
    assert ledger.row("nodata-1@example.org")[3]
    for address in ("later-1", "cut-1", "cut-data-1", "cut-dot-1"):
        assert ledger.row(f"{address}@example.org")[:2] == ("accepted", 2), address
    assert (report.accepted, report.refused, report.uncertain) == (5, 4, 0)
    assert report.complete
    # Only what was in doubt went out twice, and with the same Message-ID.
    twice = [kept for kept in server.kept if kept.recipient == "cut-dot-1@example.org"]
    assert len(server.kept) == 6
    assert len(twice) == 2
    assert twice[0].content == twice[1].content
    assert "550 5.1.1 <refuse-1@example.org>: no such user" in report.refusals


async def test_hold_keeps_what_is_in_doubt_for_an_operator(ledger: TestLedger) -> None:
    ledger.fill(["cut-dot-1@example.org", "stall-dot-1@example.org", "garbage-dot-1@example.org", "ok@example.org"])
    async with Rogue() as server:
        report = await send(ledger, server, policy=Policy(delays=SOON, uncertain="hold"))
    assert ledger.states() == {"uncertain": 3, "accepted": 1}
    assert report.uncertain == 3
    assert len(server.kept) == 4
    assert "no readable reply to the message" in ledger.row("stall-dot-1@example.org")[2]


async def test_who_is_in_doubt_again_and_again_is_held_after_two_resends(ledger: TestLedger) -> None:
    ledger.fill(["cut-always-1@example.org"])
    async with Rogue() as server:
        report = await send(ledger, server)
    assert len(server.kept) == 3
    assert ledger.states() == {"uncertain": 1}
    assert report.uncertain == 1


async def test_unreadable_and_late_replies_before_the_body_lose_nothing(ledger: TestLedger) -> None:
    ledger.fill(
        ["garbage-1@example.org", "odd-1@example.org", "close-1@example.org", "stall-1@example.org", "ok@example.org"]
    )
    async with Rogue() as server:
        report = await send(ledger, server, policy=Policy(delays=(timedelta(hours=1),), failures=99))
    assert ledger.states() == {"accepted": 1, "deferred": 4}
    assert ledger.row("close-1@example.org")[2] == "421 4.3.2 shutting down"
    assert "no readable reply to RCPT" in ledger.row("stall-1@example.org")[2]
    assert report.next_due is not None
    assert report.next_due > now() + timedelta(minutes=50)
    assert not report.complete
    assert not report.stopped


async def test_what_the_server_keeps_putting_off_is_given_up_and_counts_against_no_address(ledger: TestLedger) -> None:
    ledger.fill(["busy-1@example.org", "full-1@example.org"])
    policy = Policy(delays=SOON, attempts=3, linger=timedelta(seconds=2))
    async with Rogue() as server:
        report = await send(ledger, server, policy=policy)
    state, attempts, reply, ours = ledger.row("busy-1@example.org")
    assert (state, attempts, ours) == ("refused", 3, True)
    assert reply == "451 4.3.0 given up after 3 attempts: try later"
    assert ledger.row("full-1@example.org")[:2] == ("refused", 3)
    assert (report.deferred, report.refused) == (4, 2)


async def test_a_copy_that_cannot_be_made_is_a_row_and_the_others_go_out(ledger: TestLedger) -> None:
    ledger.fill(
        ["poison@example.org", "short@example.org", "bad\nline@example.org", "other@example.org", "ok@example.org"]
    )

    def maker(claim: Claim) -> Envelope | Skipped:
        if claim.address.startswith("poison"):
            msg = "{{ is not closed"
            raise ValueError(msg)
        if claim.address.startswith("short"):
            return Skipped(reason="nothing in it for this reader")
        if claim.address.startswith("other"):
            return Envelope(sender="", recipient="ok@example.org", content=b"x\r\n")
        return make(claim)

    async with Rogue() as server:
        report = await send(ledger, server, make=maker)
    assert [kept.recipient for kept in server.kept] == ["ok@example.org"]
    assert ledger.row("poison@example.org")[2:] == ("the copy could not be made: ValueError: {{ is not closed", True)
    assert ledger.row("short@example.org") == ("skipped", 1, "nothing in it for this reader", False)
    assert ledger.row("bad\nline@example.org")[0] == "refused"
    assert "addressed to 'ok@example.org', not to 'other@example.org'" in ledger.row("other@example.org")[2]
    assert (report.accepted, report.refused, report.skipped) == (1, 3, 1)


async def test_too_many_refusals_for_our_own_faults_stop_the_run_and_the_rest_stays_queued(ledger: TestLedger) -> None:
    ledger.fill([*(f"ok-{n}@example.org" for n in range(20)), *(f"policy-{n}@example.org" for n in range(100))])
    async with Rogue() as server:
        report = await send(ledger, server, sessions=2)
    states = ledger.states()
    assert 5 <= states["refused"] <= 7
    assert states["queued"] >= 93
    assert "refused for a fault of ours: 550 5.7.1" in report.stopped
    assert not report.complete


async def test_refusals_of_addresses_never_stop_the_run(ledger: TestLedger) -> None:
    ledger.fill(f"refuse-{n}@example.org" for n in range(30))
    async with Rogue() as server:
        report = await send(ledger, server)
    assert ledger.states() == {"refused": 30}
    assert report.complete
    assert len(report.refusals) == 20


async def test_a_server_that_is_down_is_not_hammered_and_nobody_is_marked_failed(ledger: TestLedger) -> None:
    ledger.fill(f"reader{n}@example.org" for n in range(50))
    policy = Policy(
        delays=SOON,
        failures=4,
        pause=timedelta(seconds=0.02),
        longest_pause=timedelta(1),
        linger=timedelta(seconds=0.1),
    )
    told: list[Progress] = []
    async with Rogue(down=True) as server:
        report = await send(ledger, server, policy=policy, progress=told.append)
    assert "the server does not answer" in report.stopped
    assert server.connections < 12
    assert set(ledger.states()) == {"queued", "deferred"}
    assert any(step.waiting and "for the server" in step.why for step in told)


async def test_when_the_server_comes_back_all_is_sent(ledger: TestLedger) -> None:
    ledger.fill(f"reader{n}@example.org" for n in range(30))
    policy = Policy(delays=SOON, failures=2, pause=timedelta(seconds=0.05), linger=timedelta(seconds=5))
    async with Rogue(down=True) as server:

        async def repair() -> None:
            await asyncio.sleep(0.4)
            server.down = False

        repairing = asyncio.create_task(repair())
        report = await send(ledger, server, policy=policy)
        await repairing
    assert ledger.states() == {"accepted": 30}
    assert report.complete
    assert len(server.kept) == 30


@pytest.mark.parametrize("sessions", [1, 2])
async def test_a_breaker_with_nothing_due_lets_the_run_end(ledger: TestLedger, sessions: int) -> None:
    ledger.fill(["one@example.org"])
    policy = Policy(delays=(timedelta(hours=1),), failures=1, pause=timedelta(seconds=0.02))
    async with Rogue(down=True) as server:
        report = await send(ledger, server, policy=policy, sessions=sessions)
    assert ledger.states() == {"deferred": 1}
    assert report.next_due is not None
    assert not report.stopped


async def test_asked_to_stop_it_finishes_what_is_in_flight_and_records_it(ledger: TestLedger) -> None:
    ledger.fill(f"reader{n}@example.org" for n in range(500))
    stop = asyncio.Event()

    def maker(claim: Claim) -> Envelope:
        if claim.delivery == 20:
            stop.set()
        return make(claim)

    async with Rogue() as server:
        report = await send(ledger, server, make=maker, stop=stop)
    assert report.stopped == "it was asked to stop"
    assert set(ledger.states()) == {"accepted", "queued"}
    assert ledger.states()["accepted"] == len(server.kept) < 40


async def test_stop_ends_a_wait_at_once(ledger: TestLedger) -> None:
    ledger.fill(["later-1@example.org"])
    stop = asyncio.Event()
    policy = Policy(delays=(timedelta(seconds=30),), linger=timedelta(minutes=2))
    async with Rogue() as server:
        asyncio.get_running_loop().call_later(0.3, stop.set)
        report = await asyncio.wait_for(send(ledger, server, policy=policy, stop=stop), 5)
    assert report.stopped == "it was asked to stop"
    assert report.next_due is not None


async def test_cancelled_it_records_what_is_in_flight(ledger: TestLedger) -> None:
    ledger.fill(f"reader{n}@example.org" for n in range(2000))
    async with Rogue() as server:
        some = asyncio.Event()

        def maker(claim: Claim) -> Envelope:
            if claim.delivery == 20:
                some.set()
            return make(claim)

        task = asyncio.create_task(send(ledger, server, make=maker))
        await some.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert set(ledger.states()) == {"accepted", "queued"}
    assert ledger.states()["accepted"] == len(server.kept)


class SlowLedger(TestLedger):
    """Its disk is slow."""

    def exchange(self, records: Any, wanted: int, now: datetime, leaving: Any = ()) -> Any:
        claims = super().exchange(records, wanted, now, leaving)
        time.sleep(0.1)
        return claims


async def test_cancelled_twice_it_leaves_at_most_one_copy_a_session_in_doubt(tmp_path: Path) -> None:
    ledger = SlowLedger(tmp_path / "ledger.db")
    ledger.fill(f"reader{n}@example.org" for n in range(40))
    async with Rogue() as server:
        some = asyncio.Event()

        def maker(claim: Claim) -> Envelope:
            if claim.delivery == 10:
                some.set()
            return make(claim)

        task = asyncio.create_task(send(ledger, server, make=maker))
        await some.wait()
        await asyncio.sleep(0.05)  # the copy is out, and the session waits for the slow disk
        task.cancel()
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ledger.in_doubt() <= 3
        assert ledger.states()["accepted"] + ledger.in_doubt() >= len(server.kept)
        assert (await send(ledger, server)).complete
    assert ledger.states() == {"accepted": 40}
    assert len({kept.recipient for kept in server.kept}) == 40


class FailingLedger(TestLedger):
    """Its disk is full after some exchanges, and may have room again."""

    failing = range(0)

    def exchange(self, records: Any, wanted: int, now: datetime, leaving: Any = ()) -> Any:
        if self.exchanges in self.failing:
            self.exchanges += 1
            raise StoreError("disk is full")
        return super().exchange(records, wanted, now, leaving)


@pytest.mark.parametrize("lasting", [False, True])
async def test_a_ledger_that_fails_ends_the_run_before_the_next_copy_is_sent(tmp_path: Path, lasting: bool) -> None:
    ledger = FailingLedger(tmp_path / "ledger.db")
    ledger.fill(f"reader{n}@example.org" for n in range(200))
    # The sessions' pending exchanges meet the full disk one commit after another; then comes the last try.
    ledger.failing = range(10, 1000) if lasting else range(10, 11)
    async with Rogue() as server:
        with pytest.raises(StoreError, match="disk is full"):
            await send(ledger, server)
    states = ledger.states()
    if lasting:  # what was out and could not be recorded is in doubt, at most one copy per session
        assert ledger.in_doubt() <= 3
        assert states["accepted"] + ledger.in_doubt() == len(server.kept)
    else:
        assert ledger.in_doubt() == 0
        assert states["accepted"] == len(server.kept)


async def test_a_store_that_fails_while_a_copy_is_made_refuses_nobody(ledger: TestLedger) -> None:
    ledger.fill(f"reader{n}@example.org" for n in range(5))

    def maker(claim: Claim) -> Envelope:
        raise StoreError("database is gone")

    async with Rogue() as server:
        with pytest.raises(StoreError, match="database is gone"):
            await send(ledger, server, make=maker)
    assert set(ledger.states()) <= {"queued", "deferred"}


async def test_a_transport_that_cannot_be_used_is_one_error_and_no_refusals(ledger: TestLedger) -> None:
    ledger.fill(f"reader{n}@example.org" for n in range(50))
    async with Rogue(mail=b"530 5.7.0 Authentication required") as server:
        with pytest.raises(DeliveryError, match=r"wants to know who we are: 530 5\.7\.0"):
            await send(ledger, server)
    assert set(ledger.states()) == {"queued", "deferred"}
    assert server.connections <= 3


async def test_into_a_maildir_each_copy_is_one_file_even_when_attempts_are_repeated(
    ledger: TestLedger, tmp_path: Path
) -> None:
    ledger.fill(f"reader{n}@example.org" for n in range(10))
    first = await run(ledger, MaildirTransport(tmp_path / "mail"), make, clock=now, policy=QUICK)
    ledger.db.execute("UPDATE delivery SET state='claimed' WHERE id <= 4")  # as if it had died before recording these
    second = await run(ledger, MaildirTransport(tmp_path / "mail"), make, clock=now, policy=QUICK)
    assert (first.accepted, second.accepted, second.recovered) == (10, 4, 4)
    assert ledger.states() == {"accepted": 10}
    assert len(list((tmp_path / "mail/new").iterdir())) == 10


async def test_claims_of_a_dead_process_are_sent_again_or_held(tmp_path: Path) -> None:
    for uncertain, kept, states in (("resend", 4, {"accepted": 4}), ("hold", 1, {"accepted": 1, "uncertain": 3})):
        ledger = TestLedger(tmp_path / f"{uncertain}.db")
        ledger.fill(f"reader{n}@example.org" for n in range(4))
        claims = ledger.exchange([], 3, now())
        ledger.exchange([], 0, now(), [claim.delivery for claim in claims])
        async with Rogue() as server:
            report = await send(ledger, server, policy=Policy(uncertain=uncertain))  # type: ignore[arg-type] # from the table
        assert report.recovered == 3
        assert len(server.kept) == kept
        assert ledger.states() == states


@pytest.mark.parametrize("server", [Rogue(per_connection=3), Rogue(tired_after=3)], ids=["cut", "421"])
async def test_a_connection_that_the_server_closes_between_messages_is_opened_again_unnoticed(
    ledger: TestLedger, server: Rogue
) -> None:
    ledger.fill(f"reader{n}@example.org" for n in range(12))
    async with server:
        report = await send(ledger, server, sessions=1)
    assert ledger.states() == {"accepted": 12}
    assert report.deferred == 0
    assert server.connections in (4, 5)
    assert len(server.kept) == 12


async def test_a_session_that_breaks_ends_the_run_and_leaves_its_copy_in_doubt(ledger: TestLedger) -> None:
    ledger.fill(f"reader{n}@example.org" for n in range(9))

    class Broken(SMTPTransport):
        def session(self) -> Any:
            session = super().session()

            async def send(envelope: Envelope, leaving: Any) -> Any:
                msg = "a bug"
                raise RuntimeError(msg)

            session.send = send  # type: ignore[method-assign, assignment] # a transport with a fault of its own
            return session

    async with Rogue() as server:
        with pytest.raises(RuntimeError, match="a bug"):
            await run(ledger, Broken("127.0.0.1", server.port, sessions=1), make, clock=now, policy=QUICK)
    assert ledger.states() == {"queued": 8, "claimed": 1}


async def test_messages_per_second_hold_over_all_sessions(ledger: TestLedger) -> None:
    ledger.fill(f"reader{n}@example.org" for n in range(30))
    start = time.perf_counter()
    async with Rogue(pipelining=True) as server:
        report = await send(ledger, server, sessions=5, policy=Policy(rate=40))
    seconds = time.perf_counter() - start
    assert report.accepted == len(server.kept) == 30
    assert seconds > 0.6


async def test_a_server_that_says_slow_down_is_obeyed(ledger: TestLedger) -> None:
    ledger.fill([*(f"reader{n}@example.org" for n in range(20)), "busy-1@example.org"])
    policy = Policy(delays=(timedelta(hours=1),), rate=1000)
    async with Rogue(pipelining=True) as server:
        ledger.db.execute("UPDATE delivery SET again_at=-1 WHERE address LIKE 'busy%'")  # it comes first
        report = await send(ledger, server, sessions=1, policy=policy, stop=await _soon(1.0))
    assert 1 <= report.accepted < 8  # from 1,000 a second to about one


BIG = DomainRate(domains=("big.example",), rate=20)


async def test_a_domain_with_a_limit_is_slow_and_the_others_do_not_wait_for_it(ledger: TestLedger) -> None:
    # The limited ones come first, and are most: who waits in line with them would come last.
    ledger.fill([*(f"reader{n}@big.example" for n in range(25)), *(f"reader{n}@small.example" for n in range(15))])
    start = time.perf_counter()
    async with Rogue(pipelining=True) as server:
        report = await send(ledger, server, sessions=4, policy=Policy(limits=(BIG,)))
    seconds = time.perf_counter() - start
    domains = [kept.recipient.partition("@")[2] for kept in server.kept]
    assert Counter(domains) == {"big.example": 25, "small.example": 15}
    assert len({kept.recipient for kept in server.kept}) == 40
    assert domains[-15:] == ["big.example"] * 15
    assert seconds > (25 - 1 - 4) / 20  # one at first, four that may be saved up
    assert report.complete
    assert (report.accepted, report.deferred) == (40, 0)  # who waits for a slot was not tried
    assert ledger.row("reader24@big.example")[:2] == ("accepted", 1)
    assert server.connections == 4  # kept open between slots


async def test_both_limits_hold_and_a_slot_costs_nothing_of_the_whole(ledger: TestLedger) -> None:
    ledger.fill([*(f"reader{n}@big.example" for n in range(60)), *(f"reader{n}@small.example" for n in range(20))])
    slow = DomainRate(domains=("big.example",), rate=0.01)
    stop = asyncio.Event()

    def watch(progress: Progress) -> None:
        if progress.accepted == 21:
            stop.set()

    start = time.perf_counter()
    async with Rogue(pipelining=True) as server:
        report = await send(
            ledger, server, sessions=3, policy=Policy(rate=40, limits=(slow,), linger=timedelta(0)), progress=watch
        )
    assert time.perf_counter() - start > 0.4
    assert report.accepted == 21
    assert ledger.states() == {"accepted": 21, "deferred": 59}
    assert report.next_due is not None


async def test_what_waits_for_its_slot_when_a_run_ends_was_neither_tried_nor_in_doubt(ledger: TestLedger) -> None:
    ledger.fill(f"reader{n}@big.example" for n in range(30))
    async with Rogue(pipelining=True) as server:
        report = await send(ledger, server, policy=Policy(limits=(BIG,)), stop=await _soon(0.5))
        assert report.stopped
        assert ledger.in_doubt() == 0
        waiting = ledger.addresses("deferred") | ledger.addresses("queued")
        assert len(waiting) == 30 - len(server.kept) > 0
        assert {ledger.row(address)[1] for address in waiting} == {0}
        again = await send(ledger, server, policy=Policy())
    assert again.complete
    assert Counter(kept.recipient for kept in server.kept) == {f"reader{n}@big.example": 1 for n in range(30)}


async def test_a_run_does_not_wait_for_slots_while_other_copies_want_a_sender(ledger: TestLedger) -> None:
    ledger.fill([*(f"reader{n}@big.example" for n in range(9)), *(f"reader{n}@small.example" for n in range(9))])
    async with Rogue(pipelining=True) as server:
        report = await send(
            ledger, server, policy=Policy(limits=(BIG,), rate=1000), share=lambda: 0.5, others=lambda: True
        )
        assert not report.stopped
        assert report.next_due is not None
        assert {kept.recipient for kept in server.kept} >= {f"reader{n}@small.example" for n in range(9)}
        assert ledger.states()["deferred"] > 0
        assert (await send(ledger, server, policy=Policy(limits=(BIG,)), others=lambda: False)).complete
    assert len(server.kept) == 18


async def test_a_server_that_goes_down_while_copies_wait_for_their_slots(ledger: TestLedger) -> None:
    ledger.fill(f"reader{n}@big.example" for n in range(12))
    policy = Policy(delays=SOON, failures=2, pause=timedelta(seconds=0.05), linger=timedelta(seconds=20), limits=(BIG,))
    async with Rogue(per_connection=1) as server:
        asyncio.get_running_loop().call_later(0.1, setattr, server, "down", True)
        asyncio.get_running_loop().call_later(0.6, setattr, server, "down", False)
        report = await send(ledger, server, sessions=2, policy=policy)
    assert report.complete
    assert {kept.recipient for kept in server.kept} == {f"reader{n}@big.example" for n in range(12)}


async def _soon(seconds: float) -> asyncio.Event:
    stop = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, stop.set)
    return stop


async def test_copies_are_signed_in_threads_and_leave_signed(ledger: TestLedger) -> None:
    ledger.fill(f"reader{n}@example.org" for n in range(20))
    threads = set()

    def sign(content: bytes) -> bytes:
        threads.add(threading.current_thread().name.rpartition("_")[0])
        return b"X-Signed: yes\r\n" + content

    async with Rogue(pipelining=True) as server:
        report = await send(ledger, server, sign=sign)
    assert report.accepted == 20
    assert all(kept.content.startswith(b"X-Signed: yes\r\n") for kept in server.kept)
    assert threads == {"sign"}


async def test_a_copy_that_cannot_be_signed_is_a_row(ledger: TestLedger) -> None:
    ledger.fill(["one@example.org"])

    def sign(content: bytes) -> bytes:
        msg = "the key is gone"
        raise ValueError(msg)

    async with Rogue() as server:
        await send(ledger, server, sign=sign)
    assert ledger.row("one@example.org")[2:] == ("the copy could not be made: ValueError: the key is gone", True)


@pytest.mark.parametrize("offers", [{"pipelining": True}, {"pipelining": True, "chunking": True}], ids=["data", "bdat"])
async def test_pipelined_each_kind_of_end_is_recorded_as_what_it_is(ledger: TestLedger, offers: dict[str, Any]) -> None:
    kinds = ("refuse", "policy", "spam", "nodata", "later", "cut", "cut-data", "cut-dot", "close", "garbage")
    ledger.fill([*(f"{kind}-1@example.org" for kind in kinds), *(f"ok{n}@example.org" for n in range(30))])
    async with Rogue(**offers) as server:
        port = SMTPTransport("127.0.0.1", server.port, sessions=3, timeouts=TIMEOUTS, chunking="chunking" in offers)
        report = await run(ledger, port, make, clock=now, policy=Policy(delays=SOON, attempts=3))
    assert ledger.addresses("refused") - {"close-1@example.org"} == {
        f"{kind}-1@example.org" for kind in ("refuse", "policy", "spam", "nodata")
    }
    assert len(ledger.addresses("accepted")) == 35
    counts = Counter(kept.recipient for kept in server.kept)
    assert counts.pop("cut-dot-1@example.org") == 2
    assert set(counts.values()) == {1}
    assert len(counts) == 34
    assert report.complete


async def test_what_arrived_is_recorded_though_the_server_thinks_long_about_the_next_one(ledger: TestLedger) -> None:
    ledger.fill(["first@example.org", "stall-1@example.org"])
    stop = asyncio.Event()
    async with Rogue(pipelining=True) as server:
        patient = SMTPTransport("127.0.0.1", server.port, sessions=1, timeouts=Timeouts(command=120))
        sending = asyncio.create_task(run(ledger, patient, make, clock=now, policy=QUICK, stop=stop))
        async with asyncio.timeout(60):
            while ledger.row("first@example.org")[0] != "accepted":  # noqa: ASYNC110 - the ledger's thread tells nobody
                await asyncio.sleep(0.001)
        assert ledger.row("stall-1@example.org")[0] == "claimed"
        assert ledger.in_doubt() == 0
        stop.set()
    assert (await sending).accepted == 1
    assert ledger.states() == {"accepted": 1, "deferred": 1}
