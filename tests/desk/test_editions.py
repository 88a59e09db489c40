"""The acts of the desk on a real publication: decided, noted, composed again, taken back, approved, sent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from digest.app import App
from digest.desk import Composed
from digest.errors import Blocked, InputError, NotFound, StateError
from digest.model import Actor, AtDeadline, Edition, EditionState, Item, Revision, Skipped, Via
from digest.store import AuditFilter
from tests.desk.publication import tell

NOW = "weekly-2018-W29"
BEFORE = "weekly-2018-W28"
ADA = Actor(name="ada@desk.example", via=Via.CONSOLE)
BOB = Actor(name="bob@desk.example", via=Via.API)


def edition(composed: Composed) -> Edition:
    assert isinstance(composed, Revision)
    return composed.edition


def draft(app: App) -> Edition:
    return app.store.editions.get(NOW).edition


def item(found: Edition, words: str) -> Item:
    return next(one for one in found.items if words in one.story.lead.title)


def key(app: App, words: str) -> str:
    found = draft(app)
    for one in found.items:
        if words in one.story.lead.title:
            return one.story.key
    return next(left.story for left in found.left_out if words in left.title)


def titles(found: Edition) -> list[str]:
    return [one.story.lead.title.split()[0] for one in found.items]


def change(app: App, **said: object) -> None:
    """Change the digest's rule, as digest.toml would say it."""
    (rule,) = app.settings.digests
    settings = replace(app.settings, digests=(replace(rule, **said),))  # type: ignore[arg-type] # fields of many kinds
    app.desk._settings = settings
    app.desk._checking._settings = settings


class TestStories:
    def test_what_is_dropped_can_be_taken_in_again(self, app: App) -> None:
        shenzhen = key(app, "Shenzhen")
        without = edition(app.desk.drop(NOW, shenzhen, "an advertisement", by=ADA))
        assert "Shenzhen" not in titles(without)
        assert any(one.reason == "dropped by an operator: an advertisement" for one in without.left_out)
        back = item(edition(app.desk.take_in(NOW, shenzhen, by=BOB)), "Shenzhen")
        assert "An operator took it in." in back.why
        again = edition(app.desk.drop(NOW, shenzhen, "", by=ADA))
        assert any(one.reason == "dropped by an operator" for one in again.left_out)

    def test_what_an_earlier_edition_carried_is_taken_in_knowingly(self, app: App) -> None:
        haifa = key(app, "Haifa")
        assert f"used in {BEFORE}" in [one.reason for one in draft(app).left_out]
        found = item(edition(app.desk.take_in(NOW, haifa, by=ADA)), "Haifa")
        assert f"The earlier edition {BEFORE} carried it." in found.why
        repeats = [one for one in app.desk.preflight(NOW).findings if one.check == "repeats"]
        assert [(one.level, one.story) for one in repeats] == [("warns", haifa)]

    def test_a_story_is_put_into_a_section_and_a_place(self, app: App) -> None:
        tram = key(app, "Tel Aviv")
        moved = edition(app.desk.move(NOW, tram, section="china", theme="", by=ADA))
        china = next(section for section in moved.sections if section.key == "china")
        assert tram in [one.story.key for one in china.items]
        shanghai = key(app, "Shanghai")
        for place in (1, 2, 3):
            app.desk.move(NOW, shanghai, theme="", by=ADA)
            app.desk.move(NOW, key(app, "Shenzhen"), theme="", by=ADA)
            found = edition(app.desk.move(NOW, shanghai, place=place, by=ADA))
            group = next(group for section in found.sections for group in section.groups if group.theme == "")
            assert [one.story.key for one in group.items].index(shanghai) == place - 1
        assert "An operator put it in place 3 under its theme." in item(draft(app), "Shanghai").why

    def test_nowhere_is_no_move(self, app: App) -> None:
        with pytest.raises(InputError):
            app.desk.move(NOW, key(app, "Tel Aviv"), by=ADA)
        with pytest.raises(NotFound, match="no section 'mars'"):
            app.desk.move(NOW, key(app, "Tel Aviv"), section="mars", by=ADA)
        with pytest.raises(NotFound, match="no theme 'mars'"):
            app.desk.move(NOW, key(app, "Tel Aviv"), theme="mars", by=ADA)

    def test_pins_come_first_and_can_be_taken_back(self, app: App) -> None:
        tram = key(app, "Tel Aviv")
        assert edition(app.desk.pin(NOW, tram, by=ADA)).choice == (tram,)
        assert edition(app.desk.unpin(NOW, tram, by=ADA)).choice == ()

    def test_a_headline_and_a_summary_are_rewritten(self, app: App) -> None:
        tram = key(app, "Tel Aviv")
        app.desk.retitle(NOW, tram, " Trams for Tel Aviv ", by=ADA)
        found = item(edition(app.desk.summarize(NOW, tram, "It runs\n every  ten minutes.", by=ADA)), "Trams for Tel")
        assert found.story.judgement.summary == ("It runs every ten minutes.",)
        assert "An operator wrote the summary." in found.why
        page, plain = app.pipeline.preview(app.store.editions.get(NOW))
        assert "It runs every ten minutes." in page
        assert "It runs every ten minutes." in plain
        for wrong in ("", " \n", "x" * 2000):
            with pytest.raises(InputError):
                app.desk.summarize(NOW, tram, wrong, by=ADA)

    def test_a_merge_and_a_split_survive_composing_again(self, app: App) -> None:
        into, story = key(app, "Shanghai"), key(app, "Shenzhen")
        merged = item(edition(app.desk.merge(NOW, story, into, by=ADA)), "Shanghai")
        assert [one.title.split()[0] for one in merged.story.also] == ["Shenzhen"]
        tell(
            app.settings.folder,
            "2018-07-21",
            "Nanjing builds a library for children. Its shelves are low and its lamps are shaped like pears.",
        )
        app.pipeline.pick_up()
        app.pipeline.classify()
        later = edition(app.desk.again(NOW, by=ADA))
        assert "Nanjing" in titles(later)
        assert "Shenzhen" not in titles(later)
        apart = edition(app.desk.split(NOW, story, by=ADA))
        assert {"Shanghai", "Shenzhen"} <= set(titles(apart))
        with pytest.raises(InputError, match="of its own already"):
            app.desk.split(NOW, story, by=ADA)
        with pytest.raises(InputError, match="one story already"):
            app.desk.merge(NOW, story, story, by=ADA)
        with pytest.raises(NotFound):
            app.desk.split(NOW, "0" * 16, by=ADA)

    def test_a_story_is_refiled_in_every_digest_and_that_can_be_taken_back(self, app: App) -> None:
        tram = key(app, "Tel Aviv")
        found = item(
            edition(app.desk.refile(NOW, tram, regions={"CN-SH": "primary"}, themes=["culture"], by=ADA)), "Tel"
        )
        assert found.story.judgement.places()[:1] == () or found.theme == "culture"
        assert found.theme == "culture"
        act = app.desk.acts(NOW)[-1]
        assert (act.act, act.by) == ("refile", ADA.name)
        back = item(edition(app.desk.undo(NOW, act.id, by=BOB)), "Tel")
        assert back.theme != "culture"
        assert app.desk.last_editor(NOW) == BOB.name
        for wrong in ({"themes": ["mars"]}, {"regions": {"Mars": "primary"}}):
            with pytest.raises(NotFound):
                app.desk.refile(NOW, tram, **wrong, by=ADA)

    def test_any_single_act_can_be_taken_back(self, app: App) -> None:
        tram = key(app, "Tel Aviv")
        app.desk.retitle(NOW, tram, "First words", by=ADA)
        app.desk.retitle(NOW, tram, "Second words", by=ADA)
        second = app.desk.acts(NOW)[-1].id
        assert item(edition(app.desk.undo(NOW, second, by=ADA)), "First words").story.key == tram
        with pytest.raises(StateError):
            app.desk.undo(NOW, second, by=ADA)
        with pytest.raises(NotFound):
            app.desk.undo(NOW, 10**6, by=ADA)
        assert item(edition(app.desk.undo_story(NOW, tram, by=ADA)), "Tel Aviv").story.key == tram

    def test_an_act_of_another_edition_is_not_taken_back_here(self, app: App) -> None:
        app.desk.correct(BEFORE, app.store.editions.get(BEFORE).edition.items[0].story.key, "It was not so.", by=ADA)
        number = app.store.decisions.about(BEFORE)[-1].id
        with pytest.raises(NotFound, match="no act of this edition"):
            app.desk.undo(NOW, number, by=ADA)

    def test_a_note_stands_above_and_goes(self, app: App) -> None:
        assert edition(app.desk.note(NOW, "Good morning.", by=ADA)).note == "Good morning."
        assert edition(app.desk.note(NOW, "", by=ADA)).note == ""

    def test_every_act_is_noted_with_who_and_whence(self, app: App) -> None:
        tram = key(app, "Tel Aviv")
        app.desk.pin(NOW, tram, by=ADA)
        app.desk.drop(NOW, tram, "old", by=BOB)
        entries = app.store.audit.page(AuditFilter(object=NOW))
        assert [(one.act, one.actor.name, one.actor.via) for one in entries] == [
            ("edition.drop", BOB.name, Via.API),
            ("edition.pin", ADA.name, Via.CONSOLE),
        ]
        assert entries[0].details == {"story": tram, "reason": "old"}

    def test_an_act_that_is_refused_leaves_nothing(self, app: App) -> None:
        with pytest.raises(NotFound):
            app.desk.pin(NOW, "nothing", by=ADA)
        with pytest.raises(StateError):
            app.desk.pin(BEFORE, app.store.editions.get(BEFORE).edition.items[0].story.key, by=ADA)
        assert app.store.audit.page(AuditFilter()) == ()
        assert app.desk.acts(NOW) == ()

    def test_who_drops_everything_has_no_edition(self, app: App) -> None:
        for one in draft(app).items[:-1]:
            app.desk.drop(NOW, one.story.key, by=ADA)
        assert isinstance(app.desk.drop(NOW, draft(app).items[0].story.key, by=ADA), Skipped)
        assert app.store.editions.state(NOW) is EditionState.SKIPPED

    def test_a_draft_is_composed_for_a_period(self, app: App) -> None:
        assert edition(app.desk.draft("weekly", "2018-W29", by=ADA)).id == NOW
        assert isinstance(app.desk.draft("weekly", "2017-W01", by=ADA), Skipped)
        acts = [one.act for one in app.store.audit.page(AuditFilter())]
        assert acts == ["edition.compose", "edition.compose"]


class TestApproval:
    def test_what_was_seen_is_approved(self, app: App) -> None:
        seen = app.store.editions.get(NOW)
        app.desk.note(NOW, "Changed.", by=ADA)
        with pytest.raises(StateError, match="look again"):
            app.desk.approve(NOW, by=ADA, content_hash=seen.hash)
        done = app.desk.approve(NOW, by=ADA, content_hash=app.store.editions.get(NOW).hash[:12])
        assert done.complete
        assert done.revision.approved_by == ADA.name
        with pytest.raises(StateError):
            app.desk.note(NOW, "Too late.", by=ADA)

    def test_two_people_approve_and_neither_the_first_nor_the_last_editor_is_the_second(self, app: App) -> None:
        change(app, approval="operator", second_person=True)
        eve = Actor(name="eve@desk.example", via=Via.CONSOLE)
        app.desk.note(NOW, "Good morning.", by=BOB)
        first = app.desk.approve(NOW, by=ADA)
        assert first.waits_for == "a second person, who is neither ada@desk.example nor bob@desk.example"
        assert app.store.editions.state(NOW) is EditionState.DRAFT
        with pytest.raises(StateError, match="a second person has to"):
            app.desk.approve(NOW, by=ADA)
        with pytest.raises(StateError, match="somebody else has to"):
            app.desk.approve(NOW, by=BOB)
        assert app.desk.approve(NOW, by=eve).complete
        assert [one.by for one in app.desk.approvals(NOW)] == [ADA.name, eve.name]

    def test_a_change_ends_the_first_approval(self, app: App) -> None:
        change(app, second_person=True)
        app.desk.approve(NOW, by=ADA)
        app.desk.note(NOW, "Another one.", by=ADA)
        assert app.desk.approvals(NOW) == ()
        assert app.desk.approve(NOW, by=BOB).waits_for

    def test_what_blocks_is_not_approved_unless_it_is_safe_and_said_why(self, app: App) -> None:
        publication = replace(app.settings.publication, url="http://weekly.example.com")
        app.desk._checking._settings = replace(app.settings, publication=publication)
        links = app.pipeline.links
        for name in ("_base", "_to_unsubscribe", "_to_preferences"):
            setattr(links, name, getattr(links, name).replace("https://", "http://"))
        with pytest.raises(Blocked, match="say why") as refused:
            app.desk.approve(NOW, by=ADA)
        assert any("RFC 8058" in reason for reason in refused.value.reasons)
        assert app.desk.approve(NOW, by=ADA, override="the proxy is being set up").complete
        entry = app.store.audit.page(AuditFilter(act="edition.approve"))[0]
        assert entry.details["override"] == "the proxy is being set up"

    def test_what_must_not_go_out_is_approved_by_nobody(self, app: App) -> None:
        publication = replace(app.settings.publication, postal_address="")
        app.desk._checking._settings = replace(app.settings, publication=publication)
        with pytest.raises(Blocked, match="postal address"):
            app.desk.approve(NOW, by=ADA, override="never mind")
        assert app.store.editions.state(NOW) is EditionState.DRAFT

    def test_at_the_deadline_it_is_approved_or_held_or_waits(self, app: App) -> None:
        (rule,) = app.settings.digests
        revision = app.store.editions.get(NOW)
        waits = app.desk.at_deadline(replace(rule, approval="operator"), revision)
        assert (waits.state, waits.subject) == (EditionState.DRAFT, "Harbour Report 2018-W29 waits for approval")
        publication = replace(app.settings.publication, postal_address="")
        app.desk._checking._settings = replace(app.settings, publication=publication)
        held = app.desk.at_deadline(rule, revision)
        assert held.state is app.store.editions.state(NOW) is EditionState.HELD
        assert "no postal address" in held.alarm
        # An editor mends it while it is held, and it stays held until somebody approves it.
        assert edition(app.desk.note(NOW, "Mended.", by=ADA)).note == "Mended."
        assert app.store.editions.state(NOW) is EditionState.HELD
        app.desk.reopen(NOW, by=ADA)
        app.desk._checking._settings = app.settings
        sent = app.desk.at_deadline(
            replace(rule, approval="operator", at_deadline=AtDeadline.SEND), app.store.editions.get(NOW)
        )
        assert sent.state is app.store.editions.state(NOW) is EditionState.APPROVED
        assert app.desk.at_deadline(rule, app.store.editions.get(NOW)).state is EditionState.APPROVED


class TestTheWay:
    def test_an_approved_edition_is_handed_to_who_sends(self, app: App) -> None:
        told: list[str] = []
        app.desk._send = told.append
        with pytest.raises(StateError, match="only an approved edition"):
            app.desk.send_now(NOW, by=ADA)
        app.desk.approve(NOW, by=ADA)
        assert NOW not in app.store.runs.sendable()
        app.desk.send_now(NOW, by=ADA)
        assert app.store.runs.sendable() == (NOW,)
        assert told == [NOW]
        report = app.pipeline.deliver(NOW)
        assert report.accepted == 2

    def test_it_is_held_reopened_and_cancelled(self, app: App) -> None:
        app.desk.approve(NOW, by=ADA)
        app.desk.hold(NOW, "wait for the minister", by=ADA)
        assert app.store.editions.get(NOW).reason == "wait for the minister"
        app.desk.reopen(NOW, by=BOB)
        assert app.store.editions.state(NOW) is EditionState.DRAFT
        app.desk.cancel(NOW, "nothing new", by=ADA)
        acts = [one.act for one in app.store.audit.page(AuditFilter(object=NOW))]
        assert acts == ["edition.cancel", "edition.reopen", "edition.hold", "edition.approve"]

    def test_sending_is_paused_and_resumed(self, app: App) -> None:
        told: list[str] = []
        app.desk._send = told.append
        app.desk.approve(NOW, by=ADA)
        app.store.campaigns.start(NOW, app.pipeline.message_id(NOW), app.desk._clock())
        app.desk.pause(NOW, "a wrong name", by=ADA)
        assert app.store.editions.state(NOW) is EditionState.PAUSED
        app.desk.resume(NOW, by=ADA)
        assert app.store.editions.state(NOW) is EditionState.SENDING
        assert told == [NOW]

    def test_a_proof_leaves_and_is_noted_without_addresses(self, app: App) -> None:
        (sent,) = app.desk.prove(NOW, ["ed@desk.example"], by=ADA)
        assert sent.state == "accepted"
        (entry,) = app.store.audit.page(AuditFilter(act="edition.prove"))
        assert entry.details["proofs"] == 1
        assert "ed@" not in str(entry.details)
