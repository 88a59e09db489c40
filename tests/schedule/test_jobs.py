"""What falls due goes out once, by itself; what is late waits; what fails is told; whoever else ticks too."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from digest import desk
from digest.deliver import Catcher, Halt, Halted
from digest.errors import DeliveryError, StateError
from digest.model import DeliveryState, EditionState, Revision, Skipped
from digest.periods import period_named
from digest.schedule import Jobs
from digest.schedule.jobs import PROBLEMS
from digest.settings import FILE
from digest.store import RunState
from digest.subscriptions import Wish
from tests.schedule.conftest import SETTINGS, MakeWorld, World, story


def change(world: World, **changes: object) -> None:
    """Another rule for the digest, as if settings had been edited and the process started again."""
    (rule,) = world.app.settings.digests
    digests = (replace(rule, **changes),)  # type: ignore[arg-type]  # fields of many kinds
    world.app.settings = world.jobs._settings = replace(world.app.settings, digests=digests)
    pipeline = world.app.pipeline
    for room in (pipeline, pipeline.composing, pipeline.messages, pipeline.sending):
        room.settings = world.app.settings


def runs(world: World) -> dict[str, str]:
    return {one.period: one.state.value for one in world.app.store.runs.latest()}


def compose(world: World, week: str) -> Revision:
    world.app.pipeline.classify()
    rule, zone = world.app.settings.digest(), world.app.settings.zone
    revision = world.app.pipeline.compose(rule, period_named(rule, f"2018-{week}", zone))
    assert isinstance(revision, Revision)
    return revision


def test_an_edition_goes_out_when_it_is_due_and_once(world: World) -> None:
    world.tick("2018-07-23T07:59:59")
    assert world.mails() == []
    world.tick("2018-07-23T08:00:00")
    assert world.state("W29") is EditionState.SENT
    assert len(world.mails()) == 3
    for _ in range(3):
        world.tick(minutes=30)
    assert len(world.mails()) == 3
    assert runs(world) == {"2018-W29": "made"}
    world.jobs.publish()
    feed = world.app.settings.state / "feeds" / "atom.xml"
    written = feed.stat().st_mtime_ns
    world.jobs.publish()
    assert feed.stat().st_mtime_ns == written
    assert world.alarms() == []


def test_what_appeared_before_the_first_tick_is_not_owed(make: MakeWorld) -> None:
    world = make(now="2018-07-23T09:00:00")
    world.readers(1)
    world.tick()
    assert runs(world) == {}
    assert world.mails() == []


def test_a_week_without_news_is_skipped_and_settled(world: World) -> None:
    world.tick("2018-07-23T08:00:00")
    world.tick("2018-07-30T08:00:00")
    assert runs(world) == {"2018-W30": "skipped", "2018-W29": "made"}
    world.tick("2018-07-30T08:01:00")
    assert world.state("W30") is EditionState.SKIPPED


def test_set_back_and_forward_the_clock_doubles_nothing_and_misses_nothing(world: World) -> None:
    story(world.app.settings.folder, "rail")
    world.tick("2018-07-23T08:10:00")
    world.tick("2018-07-23T07:10:00")
    world.tick("2018-07-23T08:00:00")
    assert len(world.mails()) == 3
    world.tick("2018-07-29T09:00:00")
    world.tick("2018-07-30T09:00:00")  # a day ahead
    world.tick("2018-07-29T09:01:00")
    world.tick("2018-07-30T08:00:00")
    assert len(world.mails()) == 6
    assert runs(world) == {"2018-W30": "made", "2018-W29": "made"}


def test_a_clock_that_was_years_ahead_leaves_nothing_behind(world: World) -> None:
    world.tick("2031-01-06T09:00:00")
    world.tick("2018-07-20T12:01:00")
    world.tick("2018-07-23T08:00:00")
    assert runs(world)["2018-W29"] == "made"
    assert world.state("W29") is EditionState.SENT


def test_after_a_downtime_one_edition_claims_all_periods(world: World) -> None:
    story(world.app.settings.folder, "rail")
    world.tick("2018-08-06T09:00:00")
    assert runs(world) == {"2018-W31": "made", "2018-W30": "made", "2018-W29": "made"}
    revision = world.app.store.editions.get("weekly-2018-W31")
    assert len(revision.edition.items) == 2
    assert (str(revision.edition.period.start), str(revision.edition.period.last_day)) == (
        "2018-07-16 00:00:00+08:00", "2018-08-05")  # fmt: skip
    assert world.app.store.runs.claimed("weekly-2018-W31") == ("2018-W29", "2018-W30", "2018-W31")
    assert len(world.mails()) == 3
    assert compose(world, "W29").edition.id == "weekly-2018-W31", "whoever asks for a claimed week gets that edition"


def test_drafts_and_decisions_of_weeks_that_were_merged(world: World) -> None:
    story(world.app.settings.folder, "rail")
    draft = compose(world, "W29")
    world.tick("2018-08-06T09:00:00")
    assert world.app.store.editions.get(draft.edition.id).reason == "it became part of weekly-2018-W31"
    assert len(world.app.store.editions.get("weekly-2018-W31").edition.items) == 2


def test_what_an_operator_approved_is_not_merged_but_held(world: World) -> None:
    story(world.app.settings.folder, "rail")
    world.app.pipeline.approve(compose(world, "W29"), by="test")
    world.tick("2018-08-06T09:00:00")
    assert (world.state("W29"), world.state("W31")) == (EditionState.HELD, EditionState.SENT)
    assert world.alarms() == ["Weekly 2018-W29 is held: it is late"]


def test_later_than_the_grace_it_is_held_until_an_operator_says_so(world: World) -> None:
    world.tick("2018-07-24T08:00:01")
    assert world.state("W29") is EditionState.HELD
    assert world.mails() == []
    world.tick(minutes=1)
    assert world.alarms() == ["Weekly 2018-W29 is held: it is late"]
    world.jobs.letters()
    assert "is held" in world.mails()[0]
    desk.approve(world.app.store, "weekly-2018-W29", by="test", at=world.now)
    world.tick(minutes=1)
    assert world.state("W29") is EditionState.SENT


def test_what_lapsed_is_told(world: World) -> None:
    world.tick("2018-09-05T09:00:00")
    found = runs(world)
    assert [key for key, state in found.items() if state == "lapsed"] == [
        "2018-W32",
        "2018-W31",
        "2018-W30",
        "2018-W29",
    ]
    assert "Weekly: no edition for 2018-W29, 2018-W30, 2018-W31, 2018-W32" in world.alarms()


def test_an_operators_approval_is_waited_for_and_asked_for(world: World) -> None:
    change(world, approval="operator")
    world.tick("2018-07-23T08:00:00")
    assert world.state("W29") is EditionState.DRAFT
    assert world.alarms() == ["Weekly 2018-W29 waits for approval"]
    desk.approve(world.app.store, "weekly-2018-W29", by="test", at=world.now)
    world.tick(minutes=5)
    assert world.state("W29") is EditionState.SENT


def test_approved_before_its_time_it_waits_for_it(world: World) -> None:
    world.app.pipeline.approve(compose(world, "W29"), by="test")
    world.tick(hours=1)
    assert world.mails() == []
    world.tick("2018-07-23T08:00:00")
    assert len(world.mails()) == 3


def test_a_trial_to_one_address_is_no_order_to_send_to_all(world: World) -> None:
    revision = compose(world, "W29")
    world.app.pipeline.approve(revision, by="test")
    world.app.pipeline.deliver(revision.edition.id, only=["reader0@example.org"])
    world.tick(hours=1)
    assert len(world.mails()) == 1
    world.tick("2018-07-23T08:00:00")
    assert len(world.mails()) == 3


def test_sent_ahead_by_hand_it_is_not_made_again_and_leaves_no_hole(world: World) -> None:
    story(world.app.settings.folder, "rail")
    world.jobs.pick_up()
    revision = compose(world, "W30")
    world.app.pipeline.approve(revision, by="test")
    world.app.pipeline.deliver(revision.edition.id)
    world.tick("2018-07-23T08:00:00")
    world.tick("2018-07-30T08:00:00")
    assert runs(world) == {"2018-W29": "skipped", "2018-W30": "made"}, "its story went out with the other"
    assert len(world.mails()) == 3


def test_from_weekly_to_daily_it_goes_on_where_it_stopped(world: World) -> None:
    world.tick("2018-07-23T08:00:00")
    change(world, frequency="daily")
    world.tick("2018-07-23T10:00:00")
    assert runs(world) == {"2018-W29": "made"}
    story(world.app.settings.folder, "rail")
    world.tick("2018-07-26T08:00:00")
    assert set(runs(world)) == {"2018-W29", "2018-07-23", "2018-07-24", "2018-07-25"}
    assert world.app.store.editions.state("weekly-2018-07-25") is EditionState.SENT


def test_what_a_dead_process_owed_is_made_by_the_next(world: World, make: MakeWorld) -> None:
    world.now = datetime(2018, 7, 23, tzinfo=UTC)
    world.jobs._settle(world.app.settings.digest())
    assert runs(world) == {"2018-W29": "owed"}
    other = make(now="2018-07-23T08:01:00")
    other.tick()
    assert runs(other) == {"2018-W29": "made"}
    assert len(other.mails()) == 3


def test_a_digest_that_is_no_longer_in_the_settings_is_left_alone(world: World) -> None:
    world.now = datetime(2018, 7, 23, tzinfo=UTC)
    world.jobs._settle(world.app.settings.digest())
    change(world, key="other")
    world.tick(minutes=1)
    assert runs(world) == {"2018-W29": "owed"}


@pytest.mark.slow
def test_two_schedulers_on_one_store_make_one_edition(make: MakeWorld, url: str) -> None:
    worlds = [make(store_url=url, links_secret="k" * 32) for _ in range(3)]
    worlds[0].readers(5)
    worlds[0].tick()
    barrier = threading.Barrier(len(worlds))

    def race(world: World) -> None:
        barrier.wait()
        world.tick("2018-07-23T08:00:00")
        world.tick(seconds=1)

    with ThreadPoolExecutor(len(worlds)) as threads:
        for done in [threads.submit(race, world) for world in worlds]:
            done.result(60)
    worlds[0].tick(seconds=1)
    store = worlds[0].app.store
    if store.shared:  # its ranges were put into the queue, and no worker is here (tests/engine has some)
        worlds[0].app.pipeline.deliver("weekly-2018-W29")
    assert [(one.id, one.revision) for one in store.editions.list()] == [("weekly-2018-W29", 1)]
    assert store.campaigns.tally("weekly-2018-W29")[DeliveryState.ACCEPTED] == 5
    assert [one.attempts for one in store.campaigns.deliveries("weekly-2018-W29")] == [1] * 5
    assert runs(worlds[0]) == {"2018-W29": "made"}


def test_while_another_process_schedules_or_sends_this_one_passes(world: World, make: MakeWorld) -> None:
    other = make()
    with other.app.store.hold("schedule"):
        world.tick("2018-07-23T08:00:00")
    assert runs(world) == {}
    with other.app.store.hold("sending"), other.app.store.hold("notices"):
        world.tick("2018-07-23T08:01:00")
        world.jobs._alarm("a", "b", "c")
        world.jobs.letters()
    assert world.mails() == []
    world.tick("2018-07-23T08:02:00")
    assert len(world.mails()) == 3


def test_sources_that_fail_are_told_before_the_edition_is_due(world: World) -> None:
    (world.app.settings.folder / "incoming" / "port.md").unlink()
    (world.app.settings.folder / "incoming").rmdir()
    world.tick("2018-07-23T01:00:00")
    assert world.alarms() == []
    world.tick("2018-07-23T02:00:00")
    world.tick("2018-07-23T03:00:00")
    assert world.alarms() == ["Weekly 2018-W29: 1 sources need a look before it is due"]


def test_an_edition_does_not_fail_with_its_sources(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise DeliveryError("no way out")

    monkeypatch.setattr(world.jobs, "pick_up", fails)
    world.now = datetime(2018, 7, 23, tzinfo=UTC)
    world.jobs.editions()
    assert runs(world) == {"2018-W29": "made"}
    assert [one.origin for one in world.app.store.sources.problems(PROBLEMS)] == ["pick_up"]


class TestSending:
    def test_refused_for_our_own_fault_it_pauses_and_waits(self, folder: Path, make: MakeWorld) -> None:
        (folder / FILE).write_text(SETTINGS + '\n[[sources]]\nkey = "b"\nkind = "folder"\nlocation = "incoming"\n')
        world = make(mail_return_path="weekly@example.com")
        world.readers(12)
        world.tick()
        made = world.app.pipeline.messages.maker

        def broken(*_given: object) -> object:
            raise RuntimeError("boom")

        world.app.pipeline.messages.maker = lambda *_given: broken  # type: ignore[assignment,method-assign]  # a fault of ours
        world.tick("2018-07-23T08:00:00")
        assert world.state("W29") is EditionState.PAUSED
        assert any("is paused" in one for one in world.alarms())
        world.app.pipeline.messages.maker = made  # type: ignore[method-assign]  # mended
        world.tick(minutes=1)
        assert world.state("W29") is EditionState.PAUSED
        desk.resume(world.app.store, "weekly-2018-W29", at=world.now)
        with pytest.raises(StateError, match="resume"):
            desk.resume(world.app.store, "weekly-2018-W29", at=world.now)
        world.tick(minutes=1)
        assert world.state("W29") is EditionState.SENT

    def test_while_no_server_answers_it_is_tried_again(self, folder: Path, make: MakeWorld) -> None:
        with Catcher(folder / "caught") as catcher:
            port = str(catcher.port)
        smtp = {"mail_host": "127.0.0.1", "mail_security": "none", "mail_port": port, "delivery_linger": "0.1"}
        world = make(**smtp)
        world.readers(2)
        world.tick()
        world.tick("2018-07-23T08:00:00")
        assert world.state("W29") is EditionState.SENDING
        world.jobs.send()  # nothing is due yet
        queue = world.app.store.campaigns.queues()[0]
        assert queue.due_since(world.now) is None
        world.tick(minutes=10)
        assert world.app.store.campaigns.queues()[0].due_since(world.now + timedelta(hours=1)) is not None

    def test_asked_to_halt_it_leaves_the_rest(self, world: World) -> None:
        world.now = datetime(2018, 7, 23, tzinfo=UTC)
        world.jobs.editions()
        world.halt.set()
        world.jobs.send()
        world.tick(minutes=1)
        assert world.mails() == []
        assert world.halt.asked
        assert not Halt().asked

    def test_asked_to_halt_whatever_is_under_way_says_so(self, world: World) -> None:
        world.tick("2018-07-23T08:00:00")
        wish = Wish(address="new@example.org", language="en", digests=("weekly",))
        assert world.app.reception.ask(wish, network="203.0.113.0/24", origin="")
        world.halt.set()
        for job in (world.jobs.publish, world.jobs.letters):
            with pytest.raises(Halted):
                job()
        assert not (world.app.settings.state / "editions").exists()
        assert len(world.app.store.requests.open(10)) == 1
        other = Jobs(world.app, clock=world.clock, halt=Halt(), metrics=world.metrics)
        other.publish()
        other.letters()
        assert (world.app.settings.state / "editions" / "weekly-2018-W29.html").exists()
        assert any("Delivered-To: new@example.org" in mail for mail in world.mails())

    def test_paused_by_an_operator_meanwhile(self, world: World) -> None:
        world.now = datetime(2018, 7, 23, tzinfo=UTC)
        world.jobs.editions()
        store = world.app.store
        store.campaigns.start("weekly-2018-W29", world.app.pipeline.message_id("weekly-2018-W29"), world.now)
        desk.pause(store, "weekly-2018-W29", "wait", at=world.now)
        world.jobs.send()
        assert store.campaigns.queues()[0].depth == 3
        assert store.runs.sendable() == ()
        assert world.mails() == []


def test_a_failing_job_is_a_row_and_a_mail_until_it_works(world: World) -> None:
    error = DeliveryError("the mail folder is full")
    world.jobs.failed("send", error)
    world.jobs.failed("send", error)
    (problem,) = world.app.store.sources.problems(PROBLEMS)
    assert (problem.origin, problem.times) == ("send", 2)
    assert world.alarms() == ["send fails"]
    world.jobs.succeeded("send")
    world.jobs.succeeded("send")
    assert world.app.store.sources.problems(PROBLEMS) == ()


def test_a_run_by_hand_settles_what_had_lapsed_or_was_skipped(world: World) -> None:
    world.tick("2018-09-05T09:00:00")
    rule, zone = world.app.settings.digest(), world.app.settings.zone
    assert world.app.store.runs.claim("weekly", "2018-W29", zone) is None
    revision = world.app.pipeline.compose(rule, period_named(rule, "2018-W29", zone))
    if isinstance(revision, Skipped):  # the merged edition has its story
        pytest.fail(revision.reason)
    world.app.pipeline.approve(revision, by="test")
    world.app.pipeline.deliver(revision.edition.id)
    assert runs(world)["2018-W29"] == RunState.MADE.value
