"""Mail that comes back: only a mark of ours says whose copy it was; hard ones suppress, our own faults nobody."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from digest import subscriptions
from digest.cli import run as command
from digest.deliver import Halt
from digest.errors import DeliveryError, LinkError
from digest.model import DeliveryState, EditionState, SubscriptionState
from digest.settings import FILE
from tests.deliver.returned import AWAY, COMPLAINT, report
from tests.schedule.conftest import SETTINGS, MakeWorld, World, story

PATH = "bounce+{token}@example.com"
WEEKS = {"W29": "2018-07-23T08:00:00", "W30": "2018-07-30T08:00:00"}


@pytest.fixture
def maildir(folder: Path) -> Path:
    (folder / FILE).write_text(SETTINGS.replace("[mail]", f'[mail]\nreturn_path = "{PATH}"'), encoding="utf-8")
    for part in ("new", "cur", "tmp"):
        (folder / "back" / part).mkdir(parents=True)
    return folder / "back"


@pytest.fixture
def world(make: MakeWorld, maildir: Path) -> World:
    world = make(bounces_maildir="back", delivery_halt_share="0.2")
    world.readers(3)
    world.tick()
    return world


def sent(world: World, week: str) -> dict[str, str]:
    """Sends the edition of a week; address -> return path of its copy."""
    story(world.app.settings.folder, "rail" if week == "W30" else "port")
    world.tick(WEEKS[week])
    found = {}
    for mail in world.mails():
        path = re.search(r"^Return-Path: <(\S+)>", mail, re.MULTILINE)
        to = re.search(r"^Delivered-To: (\S+)", mail, re.MULTILINE)
        assert path
        assert to
        number = world.app.links.read_return_path(path[1].removeprefix("bounce+").partition("@")[0])
        copy = world.app.store.bounces.find(number)
        assert copy
        if copy.edition.endswith(week):
            found[to[1]] = path[1]
    return found


Drop = Callable[[bytes], None]


@pytest.fixture
def drop(maildir: Path) -> Drop:
    def put(letter: bytes) -> None:
        number = len(list((maildir / "new").iterdir())) + len(list((maildir / "cur").iterdir()))
        (maildir / "new" / f"{number}.host").write_bytes(letter)

    return put


def fates(world: World) -> list[str]:
    return list(world.app.store.sources.seen("bounces").values())


def copy_of(world: World, address: str, week: str = "W29") -> tuple[DeliveryState, str]:
    (one,) = world.app.store.campaigns.deliveries(f"weekly-2018-{week}", address=address)
    return one.state, one.reason


def test_a_dead_mailbox_is_suppressed_after_two_editions_and_not_before(world: World, drop: Drop) -> None:
    paths = sent(world, "W29")
    drop(report(paths["reader0@example.org"].upper()))
    world.jobs.bounces()
    assert copy_of(world, "reader0@example.org") == (DeliveryState.BOUNCED, "hard: it came back on 2018-07-23")
    assert world.app.store.subscribers.suppression("reader0@example.org") is None
    drop(report(paths["reader0@example.org"]))
    world.jobs.bounces()
    assert fates(world)[-1] == "known already"
    drop(report(sent(world, "W30")["reader0@example.org"], diagnostic="smtp; 550 5.1.1 still unknown"))
    world.jobs.bounces()
    found = world.app.store.subscribers.suppression("reader0@example.org")
    assert found
    assert found.cause == "bounced"
    assert found.evidence == (
        "weekly-2018-W29: 550 5.1.1 <reader0@example.org>: Recipient address rejected: User unknown; "
        "weekly-2018-W30: 550 5.1.1 still unknown"
    )
    assert "suppressed since" in " ".join(subscriptions.why(world.app.store, "reader0@example.org")), (
        "an operator can see why"
    )
    figures = world.metrics.text().decode()
    assert 'digest_bounces_total{cause="hard"} 2.0' in figures
    assert 'digest_bounces_total{cause="ignored"} 1.0' in figures


def test_our_own_faults_and_full_mailboxes_suppress_nobody(world: World, drop: Drop) -> None:
    for week in WEEKS:
        paths = sent(world, week)
        for number, said in enumerate(("550 5.7.1 spam", "552 5.2.2 mailbox full", "554 5.6.0 content")):
            drop(report(paths[f"reader{number}@example.org"], status="5.0.0", diagnostic=f"smtp; {said}"))
        world.jobs.bounces()
    assert world.app.store.subscribers.suppression_count() == 0
    assert copy_of(world, "reader1@example.org")[1].startswith("full:")
    assert copy_of(world, "reader2@example.org")[1].startswith("ours:")


def test_soft_ones_count_when_they_go_on(make: MakeWorld, maildir: Path, drop: Drop) -> None:
    world = make(bounces_maildir="back", bounces_soft_after="2", bounces_soft_days="7")
    world.readers(1)
    world.tick()
    for week in WEEKS:
        assert world.app.store.subscribers.suppression_count() == 0
        drop(report(sent(world, week)["reader0@example.org"], status="4.4.7", diagnostic="smtp; 451 4.4.7 expired"))
        world.jobs.bounces()
    assert "451 4.4.7 expired" in world.app.store.subscribers.suppressions()[0].evidence


def test_a_graver_cause_replaces_a_milder_one(world: World, drop: Drop) -> None:
    path = sent(world, "W29")["reader0@example.org"]
    drop(report(path, status="4.4.7", diagnostic="smtp; expired"))
    world.jobs.bounces()
    assert copy_of(world, "reader0@example.org")[1].startswith("soft:")
    drop(report(path))
    world.jobs.bounces()
    assert copy_of(world, "reader0@example.org")[1].startswith("hard:")


def test_letters_without_a_mark_of_ours_change_nothing(world: World, drop: Drop, maildir: Path) -> None:
    paths = sent(world, "W29")
    other = paths["reader1@example.org"]
    damaged = other[:-14] + ("a" if other[-14] != "a" else "b") + other[-13:]
    link = world.app.links.unsubscribe(1)
    for letter in (
        report("bounce@example.com"),
        report(damaged),
        report("bounce+zzzzzz-1-abcdefghij234567@example.com"),
        report("bounce@example.com", header=f"List-Unsubscribe: <{link}>\nMessage-ID: <forged@example.com>"),
        report("bounce@example.com", header="Message-ID: <forged@example.com>"),
        report("bounce@example.com", header=f"List-Unsubscribe: <{link[:-1]}x>"),
        AWAY.format(to=other).encode(),
        COMPLAINT.format(feedback="abuse", path="reader0@example.org", header="X: y").encode(),
        report(other, action="delayed"),
        b"",
    ):
        drop(letter)
    world.jobs.bounces()
    tally = world.app.store.campaigns.tally("weekly-2018-W29")
    assert tally[DeliveryState.ACCEPTED] == 3
    assert world.app.store.subscribers.suppression_count() == 0
    assert len(list((maildir / "new").iterdir())) == 10, "what is not for us stays, unread"
    assert 'digest_bounces_total{cause="ignored"} 10.0' in world.metrics.text().decode()
    before = fates(world)
    world.jobs.bounces()
    assert fates(world) == before
    (maildir / "new" / "0.host").unlink()
    world.jobs.bounces()
    assert len(fates(world)) == 9


def test_without_return_paths_of_their_own_copies_are_known_by_message_and_link(
    make: MakeWorld, folder: Path, maildir: Path, drop: Drop
) -> None:
    (folder / FILE).write_text(SETTINGS, encoding="utf-8")
    world = make(bounces_maildir="back")
    world.readers(2)
    world.tick()
    world.tick(WEEKS["W29"])
    copy = world.app.store.campaigns.deliveries("weekly-2018-W29", address="reader1@example.org")[0]
    link = world.app.links.unsubscribe(copy.subscription)
    drop(report(header=f"Message-ID: <other@x>\nList-Unsubscribe: <{link}>\nMessage-ID: {copy.message_id}"))
    world.jobs.bounces()
    assert copy_of(world, "reader1@example.org")[0] is DeliveryState.BOUNCED
    assert copy_of(world, "reader0@example.org")[0] is DeliveryState.ACCEPTED


def test_who_complains_gets_nothing_more_and_who_opts_out_no_more_of_this(world: World, drop: Drop) -> None:
    paths = sent(world, "W29")
    drop(COMPLAINT.format(feedback="abuse", path=paths["reader0@example.org"], header="X: y").encode())
    drop(COMPLAINT.format(feedback="abuse", path=paths["reader0@example.org"], header="X: y").encode())
    drop(COMPLAINT.format(feedback="opt-out", path=paths["reader1@example.org"], header="X: y").encode())
    world.jobs.bounces()
    states = [world.app.store.subscribers.get(number).state for number in (1, 2, 3)]
    assert states == [SubscriptionState.ENDED, SubscriptionState.ENDED, SubscriptionState.ACTIVE]
    (barred,) = world.app.store.subscribers.suppressions()
    assert (barred.key, barred.cause) == ("reader0@example.org", "complaint")
    assert barred.evidence == "weekly-2018-W29: abuse, by ProviderFBL/1.0"
    assert copy_of(world, "reader0@example.org")[0] is DeliveryState.ACCEPTED


def test_of_who_was_erased_nothing_is_written_down(world: World, drop: Drop) -> None:
    paths = sent(world, "W29")
    subscriptions.erase(world.app.store, "reader0@example.org", world.now)
    barred = world.app.store.subscribers.suppression_count()
    drop(report(paths["reader0@example.org"]))
    drop(COMPLAINT.format(feedback="abuse", path=paths["reader0@example.org"], header="X: y").encode())
    world.jobs.bounces()
    assert sorted(fates(world)) == ["a complaint of somebody who was erased", "there is no such copy any more"]
    assert world.app.store.subscribers.suppression_count() == barred


def test_an_edition_that_comes_back_for_our_fault_is_paused(make: MakeWorld, maildir: Path, drop: Drop) -> None:
    world = make(bounces_maildir="back", delivery_halt_share="0.2")
    world.readers(12)
    world.tick()
    paths = sent(world, "W29")
    edition = "weekly-2018-W29"
    world.app.store.campaigns.resend(edition, world.now, addresses=["reader11@example.org"])
    assert world.state("W29") is EditionState.SENDING
    for number in range(6):
        drop(report(paths[f"reader{number}@example.org"], status="5.7.1", diagnostic="smtp; 550 5.7.1 spam"))
    drop(report(paths["reader11@example.org"]))
    world.jobs.bounces()
    assert world.state("W29") is EditionState.PAUSED
    assert any("come back for a fault of ours" in subject for subject in world.alarms())
    assert "the copy is being sent again" in fates(world)
    assert world.app.store.bounces.share(edition) == (6, 11)


def test_a_report_that_is_faster_than_our_own_record_waits(world: World, drop: Drop) -> None:
    edition = world.compose("W29")
    store = world.app.store
    store.editions.approve(edition, store.editions.get(edition).hash, "test", world.now)
    store.campaigns.start(edition, lambda number: f"<{number}@x>", world.now)
    claims = store.campaigns.ledger(edition).exchange((), 2, world.now)
    drop(report(PATH.replace("{token}", world.app.links.return_path(claims[0].delivery))))
    drop(report(PATH.replace("{token}", world.app.links.return_path(claims[1].delivery + 1))))
    drop(report(PATH.replace("{token}", world.app.links.return_path(10**9))))
    world.jobs.bounces()
    assert sorted(fates(world)) == ["it carries no mark of ours", "the copy is being sent again"]


def test_it_is_read_only_where_it_is_set_and_this_installation_sends(
    make: MakeWorld, world: World, drop: Drop, maildir: Path, folder: Path
) -> None:
    path = sent(world, "W29")["reader0@example.org"]
    drop(report(path))
    stopped = Halt()
    stopped.set()
    read = world.app.returned.read(stopped)
    assert read is not None
    assert not read.causes
    elsewhere = make()
    assert elsewhere.app.returned.read() is None
    elsewhere.jobs.bounces()
    world.app.fence.file.write_text("{}")
    world.jobs.bounces()
    assert fates(world) == []
    for part in ("new", "cur", "tmp"):
        for file in (maildir / part).iterdir():
            file.unlink()
        (maildir / part).rmdir()
    with pytest.raises(DeliveryError, match=r"bounces\.maildir"):
        world.app.returned.read()


def test_the_command_reads_and_lists(
    world: World, drop: Drop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = sent(world, "W29")["reader0@example.org"]
    where = ["-C", str(world.app.settings.folder)]
    assert command([*where, "bounces", "--read"]) == 1
    assert "bounces.maildir" in capsys.readouterr().err
    monkeypatch.setenv("DIGEST_BOUNCES_MAILDIR", "back")
    assert command([*where, "bounces"]) == 0
    assert "No copy came back" in capsys.readouterr().out
    drop(report(path))
    assert command([*where, "bounces", "--read", "--json"]) == 0
    assert '"hard": 1' in capsys.readouterr().out
    assert command([*where, "bounces", "weekly-2018-W29", "--read"]) == 0
    out = capsys.readouterr().out
    assert "nothing new" in out
    assert "User unknown" in out
    assert "counts against the address" in out


def test_a_notice_that_comes_back_is_known_and_suppresses_nobody(world: World, drop: Drop) -> None:
    store, reception = world.app.store, world.app.reception
    for number in range(2):
        reception.notify("welcome", "reader0@example.org", "", world.now, cause=f"test:{number}")
    world.jobs.letters()
    paths = [re.search(r"^Return-Path: <(\S+)>", mail, re.MULTILINE) for mail in world.mails()]
    first, second = sorted(path[1] for path in paths if path)
    tokens = [path.removeprefix("bounce+").partition("@")[0] for path in (first, second)]
    numbers = [world.app.links.read_notice_return_path(token) for token in tokens]
    with pytest.raises(LinkError):
        world.app.links.read_return_path(tokens[0])
    drop(report(first.upper()))
    drop(report(PATH.replace("{token}", world.app.links.notice_return_path(10**9))))
    drop(report(PATH.replace("{token}", world.app.links.return_path(numbers[1]).replace("-", "-n", 1))))
    world.jobs.bounces()
    assert sorted(fates(world)) == ["a notice (welcome) bounced: hard", *["it carries no mark of ours"] * 2]
    states = {one.id: (one.state, one.reason) for one in store.notices.deliveries("reader0@example.org")}
    assert states[numbers[0]] == (DeliveryState.BOUNCED, f"hard: it came back on {world.now:%Y-%m-%d}")
    assert states[numbers[1]][0] is DeliveryState.ACCEPTED
    assert store.subscribers.suppression("reader0@example.org") is None
    drop(COMPLAINT.format(feedback="abuse", path=second, header="X: y").encode())
    world.jobs.bounces()
    found = store.subscribers.suppression("reader0@example.org")
    assert found is not None, "who calls a notice spam gets no mail any more"
    assert found.evidence.startswith("welcome: abuse")
    reception.notify("welcome", "reader1@example.org", "", world.now, cause="test:waits")
    [waits] = store.notices.deliveries("reader1@example.org")
    drop(report(PATH.replace("{token}", world.app.links.notice_return_path(waits.id))))
    world.jobs.bounces()
    assert fates(world)[-1] == "the notice (welcome) never left"
