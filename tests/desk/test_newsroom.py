"""Articles at the desk: refiled, held, withdrawn, corrected, and filing rules tried and kept, on a real publication."""

from __future__ import annotations

from dataclasses import replace

import pytest

from digest.app import App
from digest.desk.amending import Amendment, corrected, without
from digest.errors import InputError, NotFound, StateError
from digest.model import Actor, Edition, EditionState, FilingCondition, FilingRule, Role, Via
from digest.store import Act, AuditFilter, Mark, Sought

OUT, DRAFT = "weekly-2018-W28", "weekly-2018-W29"
ADA = Actor(name="ada@desk.example", via=Via.CONSOLE)


def uid(app: App, words: str) -> str:
    ((_, card),) = app.store.cards.find(Sought(text=words))
    return card.uid


def titles(app: App, edition: str = DRAFT) -> list[str]:
    return [item.story.lead.title.split()[0] for item in app.store.editions.get(edition).edition.items]


def published(app: App) -> str:
    return (app.settings.state / "feeds/atom.xml").read_text()


def acts(app: App) -> list[str]:
    return [entry.act for entry in app.store.audit.page(AuditFilter())]


def test_an_article_says_all_that_is_known_of_it(app: App) -> None:
    look = app.newsroom.look(uid(app, "guangzhou port"))
    assert look.editions == (OUT,)
    assert [one.edition for one in look.placements] == [DRAFT, OUT]  # left out of the draft, since it was used
    assert look.placements[1].section == "China"
    assert look.judgement is not None
    assert look.judgement.places(Role.PRIMARY)
    with pytest.raises(NotFound):
        app.newsroom.look("0" * 16)


def test_refiling_holds_at_once(app: App) -> None:
    bridge = uid(app, "shanghai bridge")
    assert app.newsroom.refile([bridge], themes=["energy"], regions={"IL": "primary"}, by=ADA) == 1
    section = next(one for one in app.store.editions.get(DRAFT).edition.sections if one.key == "israel")
    assert "Shanghai plans a bridge over the river" in [one.story.lead.title for one in section.items]
    assert [card.uid for _, card in app.store.cards.find(Sought(mark=Mark.REFILED, region="IL"))] == [bridge]
    assert "article.refile" in acts(app)
    with pytest.raises(NotFound):
        app.newsroom.refile([bridge], themes=["nonsense"], by=ADA)
    with pytest.raises(NotFound):
        app.newsroom.refile([bridge], regions={"??": "primary"}, by=ADA)
    with pytest.raises(InputError):
        app.newsroom.refile([bridge], by=ADA)


def test_what_is_held_waits_until_it_is_released(app: App) -> None:
    bridge = uid(app, "shanghai bridge")
    assert app.newsroom.hold([bridge], "ask the engineers", by=ADA) == 1
    assert app.newsroom.hold([bridge], "once more", by=ADA) == 0
    assert "Shanghai" not in titles(app)
    left = app.store.editions.get(DRAFT).edition.left_out
    assert [one.reason for one in left if one.story == bridge] == ["held by ada@desk.example: ask the engineers"]
    assert app.newsroom.look(bridge).marks == (Mark.HELD,)
    assert app.newsroom.release([bridge], by=ADA) == 1
    assert app.newsroom.release([bridge], by=ADA) == 0
    assert "Shanghai" in titles(app)
    assert [one.undone_by for one in app.newsroom.look(bridge).acts] == ["ada@desk.example"]
    with pytest.raises(InputError):
        app.newsroom.hold([bridge], " ", by=ADA)
    with pytest.raises(NotFound):
        app.newsroom.hold(["0" * 16], "why", by=ADA)


def test_what_is_withdrawn_leaves_drafts_archive_and_feeds(app: App) -> None:
    app.pipeline.publish()
    port, bridge = uid(app, "guangzhou port"), uid(app, "shanghai bridge")
    assert "Guangzhou port" in published(app)
    assert app.store.archive.find("guangzhou")
    came = app.newsroom.withdraw(port, "the dockers deny it", by=ADA)
    assert came.revised == (OUT,)
    assert came.waiting == ()
    assert titles(app, OUT) == ["Haifa"]
    assert app.store.editions.approved(OUT).approved_by == "ada@desk.example"
    assert app.store.editions.state(OUT) is EditionState.SENT
    assert "Guangzhou port" not in published(app)
    assert "deleted-entry" in published(app)
    assert not app.store.archive.find("guangzhou")
    app.desk.approve(DRAFT, by=ADA, override="a test")
    came = app.newsroom.withdraw(bridge, "an advertisement", by=ADA)
    assert came.waiting == (DRAFT,)
    assert app.store.editions.state(DRAFT) is EditionState.DRAFT  # to be approved again
    assert "Shanghai" not in titles(app)


def test_a_correction_reaches_what_is_out_and_the_next_edition(app: App) -> None:
    app.pipeline.publish()
    port = uid(app, "guangzhou port")
    before = published(app)
    came = app.newsroom.correct(port, "It is an evening shift.", title="Guangzhou port adds an evening shift", by=ADA)
    assert came.revised == (OUT,)
    item = app.store.editions.approved(OUT).edition.find(port)
    assert item is not None
    assert item.story.lead.title == "Guangzhou port adds an evening shift"
    assert "evening shift" in published(app)
    assert published(app) != before
    again = app.desk.again(DRAFT, by=ADA)
    assert [one.text for one in again.edition.corrections] == ["It is an evening shift."]  # type: ignore[union-attr] # composed
    assert Mark.CORRECTED in app.newsroom.look(port).marks
    assert app.newsroom.tell(port, by=ADA) == 2
    assert app.newsroom.tell(port, by=ADA) == 0  # each once
    came = app.newsroom.correct(port, "And there is no captain.", by=ADA)  # a note alone
    item = app.store.editions.approved(OUT).edition.find(port)
    assert item is not None
    assert item.story.judgement.summary[-1] == "Correction: And there is no captain."


def test_a_draft_gets_headline_and_summary(app: App) -> None:
    bridge = uid(app, "shanghai bridge")
    app.desk.approve(DRAFT, by=ADA, override="a test")
    came = app.newsroom.correct(bridge, "a tunnel", title="Shanghai digs a tunnel", summary="It is a tunnel.", by=ADA)
    assert (came.revised, came.waiting) == ((), (DRAFT,))
    item = next(one for one in app.store.editions.get(DRAFT).edition.items if one.story.lead.uid == bridge)
    assert item.story.lead.title == "Shanghai digs a tunnel"
    assert item.story.judgement.summary == ("It is a tunnel.",)
    with pytest.raises(InputError):
        app.newsroom.correct(bridge, "  ", by=ADA)
    with pytest.raises(StateError):
        app.newsroom.tell(bridge, by=ADA)
    app.newsroom.withdraw(bridge, "no tunnel either", by=ADA)
    with pytest.raises(StateError):
        app.newsroom.correct(bridge, "nothing", by=ADA)


class TestRules:
    RULE = FilingRule(
        name="Ports are energy",
        when=FilingCondition(words=("port", "bridge")),
        add_themes=("energy",),
        add_regions={"IL": Role.COUNTERPART},
    )

    def test_a_rule_is_tried_kept_switched_and_dropped(self, app: App) -> None:
        newsroom, bridge = app.newsroom, uid(app, "shanghai bridge")
        trial = newsroom.try_rule(self.RULE)
        assert (trial.editions, trial.items) == (2, 6)
        assert sorted(one.article.title.split()[0] for one in trial.moved) == ["Guangzhou", "Shanghai"]
        assert newsroom.rules() == ()
        waits = next(one for _, one in app.store.cards.find(Sought(text="shanghai")))
        app.store.articles.save(replace(app.store.articles.get(waits.uid).article, weight=2.0), app.newsroom._clock())
        kept = newsroom.keep_rule(self.RULE, by=ADA)
        app.pipeline.judge_anew([bridge])
        judgement = newsroom.look(bridge).judgement
        assert judgement is not None
        assert judgement.themes[0].theme == "energy"
        assert judgement.themes[0].evidence[0].rule == f"filing rule {kept.id}"
        assert "IL" in judgement.places(Role.COUNTERPART)
        assert Mark.RULED in newsroom.look(bridge).marks
        newsroom.move_rule(kept.id, 1, by=ADA)
        newsroom.switch_rule(kept.id, live=False, by=ADA)
        app.pipeline.judge_anew([bridge])
        assert Mark.RULED not in newsroom.look(bridge).marks
        newsroom.keep_rule(replace(kept, name="Ports", live=True), by=ADA)
        newsroom.drop_rule(kept.id, by=ADA)
        assert newsroom.rules() == ()
        assert {"rule.keep", "rule.move", "rule.switch", "rule.drop"} <= set(acts(app))

    def test_a_rule_lets_articles_wait_and_an_editor_has_the_last_word(self, app: App) -> None:
        rule = FilingRule(name="No museums", when=FilingCondition(words=("museum",)), hold=True)
        trial = app.newsroom.try_rule(rule)
        assert [one.held for one in trial.moved] == [True]
        app.newsroom.keep_rule(rule, by=ADA)
        museum = uid(app, "museum bronzes")
        app.pipeline.judge_anew([museum])
        app.pipeline.judge_anew([museum])
        assert [one.act for one in app.newsroom.look(museum).acts] == [Act.HOLD]
        app.newsroom.release([museum], by=ADA)
        app.pipeline.judge_anew([museum])
        assert app.newsroom.look(museum).marks == ()
        app.newsroom.keep_rule(self.RULE, by=ADA)
        bridge = uid(app, "shanghai bridge")
        app.newsroom.refile([bridge], themes=["trade"], by=ADA)
        judgement = app.newsroom.look(bridge).judgement
        assert judgement is not None
        assert [tag.theme for tag in judgement.themes] == ["trade"]

    @pytest.mark.parametrize(
        "changes",
        [
            {"name": " "},
            {"when": FilingCondition()},
            {"add_themes": (), "add_regions": {}},
        ],
    )
    def test_a_rule_without_sense_is_refused(self, app: App, changes: dict[str, object]) -> None:
        with pytest.raises(InputError):
            app.newsroom.try_rule(replace(self.RULE, **changes))  # type: ignore[arg-type] # a table of fields


class TestAmending:
    """What `without` and `corrected` do to stories of several articles."""

    @pytest.fixture
    def edition(self, app: App) -> Edition:
        edition = app.store.editions.get(DRAFT).edition
        one, other, *_ = edition.items
        story = replace(one.story, also=(other.story.lead,))
        section = next(part for part in edition.sections if one in part.items)
        groups = tuple(
            replace(group, items=tuple(replace(i, story=story) if i == one else i for i in group.items))
            for group in section.groups
        )
        changed = replace(section, groups=groups)
        return replace(edition, sections=tuple(changed if part is section else part for part in edition.sections))

    def test_another_article_leads_when_the_first_is_withdrawn(self, edition: Edition) -> None:
        first = edition.items[0].story
        bare = without(edition, first.lead.uid, lambda _: None, "why")
        assert bare.items[0].story.key == first.key
        assert bare.items[0].story.lead == first.also[0]
        assert bare.items[0].story.also == ()
        assert len(bare.items) == len(edition.items)
        bare = without(edition, first.also[0].uid, lambda _: first.judgement, "why")  # one goes, one is shorter
        assert bare.items[0].story.lead == first.lead
        assert len(bare.items) == len(edition.items) - 1
        assert [item.number for item in bare.items] == list(range(1, len(bare.items) + 1))
        assert bare.left_out[-1].reason == "why"
        assert without(edition, "0" * 16, lambda _: None, "why") == edition

    def test_a_correction_of_an_unknown_story_changes_nothing(self, edition: Edition) -> None:
        assert corrected(edition, "0" * 16, Amendment(text="what")) == edition
