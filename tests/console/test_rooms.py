"""Articles, filing rules, sources and readers in the browser: what is shown, what is done, what is refused."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from digest.app import App, now
from digest.model import (
    Consent,
    DeliveryState,
    OperatorRole,
    Source,
    SourceKind,
    SourceState,
    SubscriptionState,
)
from digest.periods import period_named
from digest.store import AuditFilter, PollDay, Wanted
from tests.console.conftest import Browser, Desk, open_app

STORIES = {
    "2018-07-10": "Guangzhou port adds a night shift. Dockers will unload grain ships until dawn, the harbour master said.",
    "2018-07-17": "Tel Aviv opens a tram line. Passengers queued at the beach stop before sunrise to get the first tickets.",
    "2018-07-18": "上海计划修建一座大桥. 工程师希望用两座白色钢塔悬挂它。",
}
DRAFT = "weekly-2018-W29"


def tell(app: App, day: str, story: str) -> None:
    folder = app.settings.folder / "incoming"
    folder.mkdir(exist_ok=True)
    title, _, text = story.partition(". ")
    path = folder / f"{day}.md"
    path.write_text(
        f"---\ntitle: {title}\ndate: {day}T09:00:00+00:00\npublisher: Wire\n---\n{text}\n", encoding="utf-8"
    )
    os.utime(path, (1_500_000_000, 1_500_000_000))


@pytest.fixture(scope="module")
def begun(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A publication with an edition that is out, a draft, and articles."""
    folder = tmp_path_factory.mktemp("rooms") / "weekly"
    with open_app(folder, like=desk.app) as app:
        for day, story in STORIES.items():
            tell(app, day, story)
        app.store.subscribers.put(
            [Wanted(address="ada@example.net", digest="weekly", consent=consent(), name="Ada")], now()
        )
        rule = app.settings.digests[0]
        app.pipeline.run(rule, period_named(rule, "2018-W28", app.settings.zone), by="test")
        app.pipeline.compose(rule, period_named(rule, "2018-W29", app.settings.zone))
    return folder


@pytest.fixture
def told(begun: Path, desk: Desk, tmp_path: Path) -> Iterator[Desk]:
    """A copy of it for one test."""
    shutil.copytree(begun, tmp_path / "copy")
    with open_app(tmp_path / "copy", like=desk.app) as app:
        app.fence.arm(app.pipeline.standing())
        yield Desk(app)


def acts(desk: Desk) -> set[str]:
    return {one.act for one in desk.log()}


def consent() -> Consent:
    return Consent(at=datetime(2018, 7, 1, tzinfo=UTC), basis="import: a list", origin="list.csv:2", text="Yes.")


def link(browser: Browser, words: str) -> str:
    """Where the link with these words leads."""
    found = re.search(rf'<a [^>]*?href="([^"]+)"[^>]*>[^<]*{re.escape(words)}', browser.page)
    assert found, (words, browser.text)
    return found[1].replace("&amp;", "&")


def uid(browser: Browser, words: str) -> str:
    browser.get("/console/articles")
    return link(browser, words).rpartition("/")[2]


class TestArticles:
    def test_are_found_looked_at_and_refiled(self, told: Desk) -> None:
        browser = told.signed_in(OperatorRole.EDITOR)
        assert browser.get("/console/articles").status_code == 200
        for query, expected in (
            ("q=night+shift", ["Guangzhou"]),
            ("q=大桥", ["上海"]),
            ("region=IL", ["Tel Aviv"]),
            ("region=nowhere&q=port", []),
            ("since=2018-07-17&until=2018-07-17", ["Tel Aviv"]),
            ("since=nonsense&sort=date&source=desk", ["Guangzhou", "Tel Aviv", "上海"]),
            ("mark=held", []),
            ("theme=energy&mark=nonsense", []),
        ):
            browser.get(f"/console/articles?{query}")
            titles = re.findall(r'<th scope="row"><a [^>]*>([^<]+)', browser.page)
            assert [title[: len(word)] for title, word in zip(titles, expected, strict=True)] == expected
        port = uid(browser, "Guangzhou")
        browser.get(f"/console/articles/{port}")
        for words in ("Dockers will unload", "weekly-2018-W28", "Fields", "Version 1", "Why"):
            assert words in browser.text
        assert browser.get("/console/articles/0000").status_code == 404

        browser.get(f"/console/articles/{port}")
        browser.follow(browser.post(f"/console/articles/{port}/themes", {"main": "energy", "theme": ["trade", "??"]}))
        assert "refiled" in browser.text
        sent = {"region-0": "Israel", "role-0": "primary", "region-1": "CN-GD", "role-1": "counterpart", "region-2": ""}
        browser.follow(browser.post(f"/console/articles/{port}/regions", sent))
        judgement = told.app.newsroom.look(port).judgement
        assert judgement is not None
        assert {tag.region: tag.role for tag in judgement.regions[:2]} == {"IL": "primary", "CN-GD": "counterpart"}
        assert [tag.theme for tag in judgement.themes] == ["energy", "trade"]
        assert browser.post(f"/console/articles/{port}/regions", {"region-0": "Xyzzyville"}).status_code == 422
        assert "There is no region “Xyzzyville”" in browser.text
        # Sending and approving is not an editor's.
        for act in ("withdraw", "correct", "tell"):
            assert browser.post(f"/console/articles/{port}/{act}", {}).status_code == 403

    def test_are_held_withdrawn_corrected(self, told: Desk) -> None:
        browser = told.signed_in(OperatorRole.PUBLISHER)
        port, tram = uid(browser, "Guangzhou"), uid(browser, "Tel Aviv")
        browser.get(f"/console/articles/{tram}")
        assert browser.post(f"/console/articles/{tram}/hold", {"reason": " "}).status_code == 422
        browser.follow(browser.post(f"/console/articles/{tram}/hold", {"reason": "ask the driver"}))
        assert "It is held" in browser.text
        assert "ask the driver" in browser.text
        browser.follow(browser.post(f"/console/articles/{tram}/release", {}))
        assert "taken back by publisher-" in browser.text
        assert browser.post(f"/console/articles/{port}/tell", {}).status_code == 422
        refused = browser.post(f"/console/articles/{port}/correct", {"text": " ", "title": "A better one"})
        assert refused.status_code == 422
        assert 'value="A better one"' in browser.page  # what was filled in stays
        browser.follow(browser.post(f"/console/articles/{port}/correct", {"text": "It is an evening shift."}))
        assert "Revised and published again: weekly-2018-W28" in browser.text
        browser.follow(browser.post(f"/console/articles/{port}/tell", {}))
        assert "1 mails are queued" in browser.text
        browser.follow(browser.post(f"/console/articles/{port}/tell", {}))
        assert "was told already" in browser.text
        browser.follow(browser.post(f"/console/articles/{tram}/withdraw", {"reason": "there is no tram"}))
        assert "to be approved: weekly-2018-W29" in browser.text
        assert "It is withdrawn." in browser.text
        assert {"article.hold", "article.release", "article.correct", "article.withdraw"} <= acts(told)

    def test_many_at_once(self, told: Desk) -> None:
        browser = told.signed_in(OperatorRole.EDITOR)
        several = [uid(browser, "Guangzhou"), uid(browser, "Tel Aviv")]
        back = "/console/articles?source=desk"
        for sent, said in (
            ({"uid": [], "act": "hold"}, "No article was ticked"),
            ({"uid": several, "act": "hold"}, "2 of 2 held"),
            ({"uid": several, "act": "release"}, "2 of 2 released"),
            ({"uid": several, "act": "refile", "theme": "energy"}, "2 refiled under"),
            ({"uid": several, "act": "refile", "theme": ""}, "Choose the theme"),
        ):
            answer = browser.post("/console/articles/many", {**sent, "back": back})
            assert answer.headers["location"] == back
            browser.follow(answer)
            assert said in browser.text
        answer = browser.post("/console/articles/many", {"uid": [], "back": "https://elsewhere.example"})
        assert answer.headers["location"] == "/console/articles"

    def test_versions_show_what_changed(self, told: Desk) -> None:
        tell(
            told.app,
            "2018-07-17",
            "Tel Aviv opens a tunnel. Passengers queued at the beach stop after sunrise, all of them.",
        )
        told.app.pipeline.pick_up()
        told.app.pipeline.classify()
        browser = told.signed_in(OperatorRole.EDITOR)
        browser.get("/console/articles?mark=edited")
        browser.get(link(browser, "Tel Aviv"))
        assert "Version 2" in browser.text
        assert "<del>tram line</del>" in browser.page
        assert "<ins>tunnel</ins>" in browser.page

    def test_the_queue_says_that_nothing_was_learned_yet(self, told: Desk) -> None:
        browser = told.signed_in(OperatorRole.EDITOR)
        browser.get("/console/articles/queue")
        assert "It has not learned yet" in browser.text


class TestRules:
    def test_a_rule_is_made_of_an_article_tried_and_kept(self, told: Desk) -> None:
        browser = told.signed_in(OperatorRole.EDITOR)
        port = uid(browser, "Guangzhou")
        browser.get(f"/console/articles/rules/new?article={port}")
        assert 'value="Wire"' in browser.page
        fields = {"name": "Night work", "words": "night shift， 港口", "add_themes": "energy", "live": "on"}
        fields |= {"add_regions": "IL counterpart, Guangdong", "number": "0"}
        browser.post("/console/articles/rules", {**fields, "step": "try"})
        assert "1 of" in browser.text
        assert told.app.newsroom.rules() == ()
        for wrong, said in (
            ({"words": ""}, "about every article"),
            ({"add_themes": "nonsense"}, "There is no theme “nonsense”"),
            ({"add_regions": "Xyzzyville"}, "There is no region “Xyzzyville”"),
            ({"name": ""}, "without a name"),
        ):
            assert browser.post("/console/articles/rules", {**fields, **wrong, "step": "keep"}).status_code == 422
            assert said in browser.text
        browser.follow(browser.post("/console/articles/rules", {**fields, "step": "keep"}))
        assert "“Night work” is kept" in browser.text
        (rule,) = told.app.newsroom.rules()
        assert rule.when.words == ("night shift", "港口")
        second = {"name": "Hold them", "publishers": "Wire", "hold": "on", "remove_themes": "trade", "number": "0"}
        browser.follow(browser.post("/console/articles/rules", {**second, "remove_regions": "CN", "step": "keep"}))
        base = "/console/articles/rules"
        other = told.app.newsroom.rules()[1].id
        browser.follow(browser.post(f"{base}/{other}/move", {"place": "1"}))
        assert [one.id for one in told.app.newsroom.rules()] == [other, rule.id]
        browser.follow(browser.post(f"{base}/{rule.id}/switch", {"live": "no"}))
        assert "rests" in browser.text
        browser.get(f"{base}/{rule.id}")
        assert 'value="CN-GD primary, IL counterpart"' in browser.page
        browser.follow(browser.post(f"{base}/{rule.id}/switch", {"live": "yes"}))
        browser.follow(browser.post(f"{base}/{rule.id}/drop", {}))
        assert browser.get(f"{base}/{rule.id}").status_code == 404
        browser.get(f"{base}/new")
        assert browser.get(base).status_code == 200


class TestSources:
    def test_history_is_shown_and_acts_are_done(self, told: Desk) -> None:
        day = told.clock().astimezone(UTC).date()
        store, now = told.app.store, told.clock()
        source = Source(
            key="wire", kind=SourceKind.FEED, location="https://wire.example.org/feed", publisher="The Wire"
        )
        store.sources.keep(source, now)
        failing = SourceState(key="wire", location=source.location, failures=3, error="no answer", last_ok=now, held=2)
        store.sources.save_state(failing)
        store.polled.add(
            [PollDay(source="wire", day=day, fresh=3), PollDay(source="wire", day=day - timedelta(3), failed=1)]
        )
        browser = told.signed_in(OperatorRole.PUBLISHER)
        browser.get("/console/sources?condition=failing&q=WIRE")
        assert "no answer" in browser.text
        browser.get("/console/sources?condition=ok")
        assert "No live source is like that" in browser.text
        browser.get("/console/sources/wire")
        assert "2 polls, 1 failed, 3 new articles" in browser.text
        picture = browser.get("/console/sources/wire/polls.svg")
        assert picture.headers["content-type"] == "image/svg+xml"
        assert b"<desc>" in picture.content
        assert b"<script" not in picture.content
        browser.get("/console/sources/wire")
        browser.follow(browser.post("/console/sources/wire/stop", {"reason": " "}))
        assert "no reason" in browser.text
        browser.follow(browser.post("/console/sources/wire/stop", {"reason": "they asked us to"}))
        assert "they asked us to" in browser.text
        browser.follow(browser.post("/console/sources/wire/go-on", {}))
        browser.follow(browser.post("/console/sources/wire/accept", {}))
        assert b'xmlUrl="https://wire.example.org/feed"' in browser.get("/console/sources/opml").content
        browser.get("/console/sources/import")
        listed = '<opml version="2.0"><body><outline text="Port" xmlUrl="https://port.example.org/f"/><outline text="x"/></body></opml>'
        browser.post("/console/sources/import", {"text": listed, "step": "look"})
        assert "names no feed" in browser.text
        assert len(store.sources.kept()) == 1
        assert browser.post("/console/sources/import", {"text": " ", "step": "look"}).status_code == 422
        assert browser.post("/console/sources/import", {"text": "<rss/>", "step": "keep"}).status_code == 422
        browser.follow(browser.post("/console/sources/import", {"text": listed, "step": "keep", "rights": "full"}))
        assert "1 sources are kept, 1 lines are not" in browser.text
        browser.follow(browser.post("/console/sources/wire/remove", {}))
        assert browser.get("/console/sources/wire").status_code == 404
        assert {"source.stop", "source.go-on", "source.accept", "source.import", "source.remove"} <= acts(told)


class TestReaders:
    @pytest.fixture
    def browser(self, told: Desk) -> Browser:
        return told.signed_in(OperatorRole.PUBLISHER)

    def reader(self, desk: Desk) -> int:
        return desk.app.store.subscribers.of("ada@example.net")[0].id

    def test_one_is_found_and_all_of_them_is_told(self, told: Desk, browser: Browser) -> None:
        number = self.reader(told)
        for query in (
            "",
            "?q=ada",
            "?q=@example.net",
            "?q=ada%40example.net&digest=weekly&state=active",
            "?sort=x&after=x",
        ):
            browser.get(f"/console/subscribers{query}")
            assert link(browser, "ada@example.net") == f"/console/subscribers/{number}"
        browser.get("/console/subscribers?q=nobody@example.net")
        assert "no subscriber has this address" in browser.text
        browser.get(f"/console/subscribers/{number}")
        for words in ("weekly-2018-W28", DeliveryState.ACCEPTED.value, "import: a list", "“Yes.”", "Regions"):
            assert words in browser.text
        assert browser.get("/console/subscribers/999").status_code == 404

    def test_pages_follow_each_other(self, told: Desk, browser: Browser) -> None:
        told.app.store.subscribers.put(
            [Wanted(address=f"r{number:03}@example.org", digest="weekly", consent=consent()) for number in range(120)],
            told.clock(),
        )
        for query in ("", "?q=r", "?q=@example.org"):
            seen: list[str] = []
            browser.get(f"/console/subscribers{query}")
            for _ in range(9):
                seen += re.findall(r'<th scope="row"><a href="[^"]+">([^<]+)', browser.page)
                if 'rel="next"' not in browser.page:
                    break
                browser.get(link(browser, "Next page"))
            assert len(seen) == len(set(seen)) == (120 if query else 121)

    def test_is_paused_ended_suppressed_and_erased(self, told: Desk, browser: Browser) -> None:
        number = self.reader(told)
        page = f"/console/subscribers/{number}"
        browser.get(page)
        browser.follow(browser.post(f"{page}/pause", {}))
        assert told.app.store.subscribers.get(number).state is SubscriptionState.PAUSED
        browser.follow(browser.post(f"{page}/resume", {}))
        browser.follow(browser.post(f"{page}/resume", {}))
        assert "only a pause can be ended" in browser.text
        browser.follow(browser.post(f"{page}/link", {}))
        assert "is queued" in browser.text
        browser.follow(browser.post(f"{page}/link", {}))
        assert "a moment ago" in browser.text
        browser.follow(browser.post(f"{page}/suppress", {"reason": "a trap"}))
        assert "Nobody may write to this address: operator" in browser.text
        browser.follow(
            browser.post("/console/subscribers/suppressions/lift", {"address": "ada@example.net", "reason": "no"})
        )
        assert "may be written to again" in browser.text
        browser.get(page)
        browser.follow(browser.post(f"{page}/end", {"reason": "moved away"}))
        assert "ended" in browser.text
        browser.get(f"{page}/erase")
        assert "Nobody can undo this" in browser.text
        browser.follow(browser.post(f"{page}/erase", {}))
        assert browser.get(page).status_code == 404
        on_record = told.app.store.audit.page(AuditFilter(), limit=200)
        assert not any("ada@" in f"{one.object} {one.details}" for one in on_record)

    def test_what_the_person_said_is_lifted_only_with_evidence(self, told: Desk, browser: Browser) -> None:
        told.app.store.subscribers.suppress("eve@example.net", "complaint", "abuse report", told.clock())
        browser.get("/console/subscribers/suppressions?cause=complaint")
        assert "abuse report" in browser.text
        lift = "/console/subscribers/suppressions/lift"
        assert browser.post(lift, {"address": "eve@example.net", "reason": "she is nice"}).status_code == 422
        assert "where and when the person asked for mail again" in browser.text
        assert browser.post(lift, {"address": "eve@example.net", "reason": " "}).status_code == 422
        assert browser.post(lift, {"address": "nobody@example.net", "reason": "why"}).status_code == 422
        sent = {"address": "eve@example.net", "reason": "asked", "evidence": "her letter of 3 May"}
        browser.follow(browser.post(lift, sent))
        assert told.app.store.subscribers.suppression("eve@example.net") is None
        assert (
            browser.post("/console/subscribers/suppressions", {"address": "no address", "reason": "x"}).status_code
            == 422
        )
        browser.follow(
            browser.post("/console/subscribers/suppressions", {"address": "trap@example.net", "reason": "x"})
        )
        assert "trap@example.net" in browser.text
        assert {"reader.lift", "reader.suppress"} <= acts(told)

    def test_a_list_is_looked_at_before_it_is_kept(self, told: Desk, browser: Browser) -> None:
        path = "/console/subscribers/import"
        browser.get(path)
        listed = "address,name\nbob@example.org,Bob\nnonsense,\n"
        assert browser.post(path, {"step": "look", "text": ""}).status_code == 422
        assert browser.post(path, {"step": "look", "text": "a;b\n"}).status_code == 422
        assert browser.post(path, {"step": "keep", "mark": "0" * 64}).status_code == 422
        assert browser.post(path, {"step": "keep", "mark": "../secret"}).status_code == 422
        answer = browser.ask(
            "POST",
            path,
            data={"csrf": browser.csrf, "step": "look", "basis": "fair in May", "name": "fair.csv"},
            files={"list": ("fair.csv", listed.encode(), "text/csv")},
        )
        assert answer.status_code == 200
        assert "nonsense" in browser.text
        assert not told.app.store.subscribers.of("bob@example.org")
        mark = re.search(r'name="mark" value="(\w+)"', browser.page)
        assert mark
        sent = {"step": "keep", "mark": mark[1], "basis": "fair in May", "name": "fair.csv"}
        browser.follow(browser.post(path, sent))
        assert "1 new, 0 updated, 0 unchanged, 1 refused" in browser.text
        (bob,) = told.app.store.subscribers.of("bob@example.org")
        assert bob.consent is not None
        assert (bob.consent.basis, bob.consent.origin) == ("import: fair in May", "fair.csv:2")
        assert not list((told.app.settings.state / "uploads").iterdir())
        answer = browser.post("/console/subscribers/export", {"digest": "weekly", "state": "active"})
        assert answer.headers["content-disposition"] == 'attachment; filename="readers-weekly.csv"'
        assert answer.text.splitlines()[1].startswith("ada@example.net,Ada,weekly")
        assert {"reader.import", "reader.export"} <= acts(told)

    def test_growth_is_a_picture_and_a_table(self, told: Desk, browser: Browser) -> None:
        monday = told.clock().astimezone(UTC).date()
        monday -= timedelta(days=monday.weekday())
        at = datetime(monday.year, monday.month, monday.day, tzinfo=UTC)
        told.app.store.subscribers.put(
            [Wanted(address="new@example.net", digest="weekly", consent=Consent(at=at, basis="import: x"))], at
        )
        browser.get("/console/subscribers/growth?digest=weekly")
        row = re.search(rf"<th scope=\"row\">{date.isoformat(monday)}</th>(.*?)</tr>", browser.page)
        assert row
        assert re.findall(r"\d+", row[1]) == ["1", "0", "0", "1"]
        assert browser.get("/console/subscribers/growth.svg").content.startswith(b"<?xml")
