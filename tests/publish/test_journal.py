"""Feeds over years: whatever editions, corrections, withdrawals and restarts come, what was told stays told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from lxml import etree

from digest.model import EditionState, Revision, Story
from digest.publish import ATOM as NAME
from digest.publish import JSON, RSS, Catalogue, Journal, Moved, Shelf, Told, Writer, dumped, loaded, without
from tests.publish.test_catalogue import APPROVED, DIGEST, NOON, PLACES, PUBLICATION, THEMES, article, edition, story
from tests.publish.validator import AT, complaints

ATOM = "{http://www.w3.org/2005/Atom}"
CATALOGUE = Catalogue(PUBLICATION, places=PLACES, themes=THEMES[:1], digests=(replace(DIGEST, sections=()),), limit=4)
FEED = "feeds"


def tale(name: int, text: int) -> Story:
    lead = article(f"s{name}", title=f"Story {name} in version {text}", published=NOON - timedelta(hours=name * 7))
    return story(lead, ["CN"], themes=["trade"])


@dataclass
class Desk:
    """Editions as operators move them, and feeds as the press makes them of that: the same steps, in memory."""

    editions: dict[int, list[Revision]] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)
    journal: Journal = field(default_factory=Journal)
    shelf: Shelf = field(default_factory=Shelf)
    pages: list[dict[str, bytes]] = field(default_factory=list)
    ids: list[tuple[str, ...]] = field(default_factory=list)
    front: dict[str, bytes] = field(default_factory=dict)
    at: datetime = APPROVED
    carried: dict[int, dict[int, int]] = field(default_factory=dict)  # edition -> its stories and their versions
    order: list[int] = field(default_factory=list)  # editions by approval
    public: dict[int, tuple[int, int]] = field(default_factory=dict)  # story -> version, and the edition that says so

    def approve(self, number: int, stories: Mapping[int, int]) -> None:
        self.at += timedelta(minutes=1)
        made = edition(f"2018-W{number + 10}", *(tale(name, text) for name, text in sorted(stories.items())))
        history = self.editions.setdefault(number, [])
        history.append(
            Revision(
                edition=made,
                number=len(history) + 1,
                hash="",
                created=self.at,
                state=EditionState.SENT,
                approved=self.at,
            )
        )
        before = self.carried.get(number, {})
        self.carried[number] = dict(stories)
        self.order = [*(one for one in self.order if one != number), number]
        for name, text in stories.items():
            if before.get(name) != text and self.public.get(name, (None, 0))[0] != text:
                self.public[name] = (text, number)
        self._leave(number, set(before) - set(stories))

    def cancel(self, number: int) -> None:
        self.at += timedelta(minutes=1)
        self.editions[number].append(replace(self.editions[number][-1], state=EditionState.CANCELLED, approved=self.at))
        self._leave(number, set(self.carried.pop(number)))

    def _leave(self, number: int, names: set[int]) -> None:
        for name in names:
            others = [one for one in reversed(self.order) if name in self.carried.get(one, {})]
            if not others:
                del self.public[name]
            elif self.public[name][1] == number:
                self.public[name] = (self.carried[others[0]][name], others[0])

    def restart(self) -> None:
        self.journal = Journal([loaded(dumped(told)) for told in self.journal])

    def look(self) -> list[Told]:
        moved = []
        for history in self.editions.values():
            name, last = history[-1].edition.id, history[-1]
            seen = self.seen.get(name, 0)
            now = 0 if last.state is EditionState.CANCELLED else len(history)
            if now != seen:
                gone = None if now else last.approved
                news = tuple(history[seen:now]) if now else ()
                news = tuple(one for one in news if one.state is not EditionState.CANCELLED)
                moved.append(Moved(edition=name, revisions=news, before=history[seen - 1] if seen else None, gone=gone))
                self.seen[name] = now
        latest = {history[-1].edition.id: history[-1] for history in self.editions.values()}
        changed = self.journal.take(moved, CATALOGUE.scribe, latest.get)
        for told in changed:
            if told.gone:
                for page, ids in zip(self.pages, self.ids, strict=True):
                    if told.entry.id in ids:
                        page |= {name: without(name, text, told.tombstone) for name, text in page.items()}
        standing = next(one for one in CATALOGUE.feeds(self.journal, {FEED: self.shelf}) if one.path == FEED)
        writer = Writer()
        for made in standing.pages:
            self.pages.append(dict(writer.documents(made.feed)))
            self.ids.append(made.ids)
            self.shelf = Shelf(pages=made.number, through=made.through)
        self.front = dict(writer.documents(standing.feed))
        return changed


def entries(document: bytes) -> list[tuple[str, str, str, str]]:
    return [
        tuple(entry.findtext(f"{ATOM}{name}") or "" for name in ("id", "updated", "published", "title"))  # type: ignore[misc]
        for entry in etree.fromstring(document).iter(f"{ATOM}entry")
    ]


def rebuilt(desk: Desk) -> dict[str, str]:
    """The whole feed as RFC 5005 (4.2) and RFC 6721 have a reader put it together: id -> title."""
    known: dict[str, tuple[datetime, str]] = {}
    for document in (desk.front[NAME], *(page[NAME] for page in reversed(desk.pages))):
        for name, updated, _, title in entries(document):
            known[name] = max(
                known.get(name, (APPROVED - timedelta(days=999), "")), (datetime.fromisoformat(updated), title)
            )
        for stone in etree.fromstring(document).iter(f"{AT}deleted-entry"):
            name, when = f"{stone.get('ref')}", datetime.fromisoformat(f"{stone.get('when')}")
            known[name] = max(known.get(name, (when, "")), (when, ""))
    return {name: title for name, (_, title) in known.items() if title}


FEW = (Phase.explicit, Phase.reuse, Phase.generate)  # a failure is not made smaller: that takes minutes
STORIES = st.dictionaries(st.integers(0, 9), st.integers(0, 2), min_size=1, max_size=4)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("approve"), st.integers(0, 4), STORIES),
        st.tuples(st.just("cancel"), st.integers(0, 4), st.just({})),
        st.tuples(st.just("look"), st.just(0), st.just({})),
        st.tuples(st.just("restart"), st.just(0), st.just({})),
    ),
    max_size=14,
)


@settings(max_examples=50, deadline=None, phases=FEW)
@given(STEPS)
def test_histories(steps: list[tuple[str, int, dict[int, int]]]) -> None:
    desk = Desk()
    desk.look()
    births: dict[str, str] = {}
    versions: dict[tuple[str, str], str] = {}
    for act, number, stories in [*steps, ("look", 0, {})]:
        if act == "approve":
            desk.approve(number, stories)
        elif act == "cancel" and number in desk.editions and desk.editions[number][-1].state is EditionState.SENT:
            desk.cancel(number)
        elif act == "restart":
            desk.restart()
        elif act == "look":
            old, stood = [dict(page) for page in desk.pages], dict(desk.front)
            known = {told.entry.id: told.entry for told in desk.journal}
            changed = desk.look()
            # A reader who follows the links has exactly what is public, and what is told has the ids of the stories.
            expected = {
                CATALOGUE.scribe.id("stories", tale(name, 0).key): f"Story {name} in version {text}"
                for name, (text, _) in desk.public.items()
            }
            assert rebuilt(desk) == expected
            assert (desk.front == stood) == all(
                known.get(told.entry.id) == told.entry for told in changed if told.kind == "stories"
            )
            for after, page in zip(desk.pages, old, strict=False):
                kept = dict(page)
                for told in changed:
                    if told.gone:
                        kept = {name: without(name, text, told.tombstone) for name, text in kept.items()}
                assert after == kept  # a page loses what is withdrawn, and nothing else ever happens to it
            seen: set[tuple[str, str]] = set()
            for place, page in enumerate([desk.front, *desk.pages]):
                folder = f"archive/{place}/" if place else ""
                for name in (NAME, RSS):
                    assert complaints(page[name], f"https://news.example/feeds/{folder}{name}") == []
                for name, updated, published, title in entries(page[NAME]):
                    assert (name, updated) not in seen, "a version stands on two pages"
                    seen.add((name, updated))
                    assert versions.setdefault((name, updated), title) == title
                    assert births.setdefault(name, published) == published
            stood = desk.front
            assert (desk.look(), desk.front) == ([], stood)


@settings(max_examples=12, deadline=None, phases=FEW)
@given(st.lists(st.tuples(st.integers(0, 3), STORIES, st.booleans()), max_size=12))
def test_it_makes_no_difference_how_often_the_press_looks(steps: list[tuple[int, dict[int, int], bool]]) -> None:
    often, once = Desk(), Desk()
    for number, stories, look in steps:
        often.approve(number, stories)
        once.approve(number, stories)
        if look:
            often.look()
            often.restart()
    often.look()
    once.look()
    assert {told.entry.id: told for told in often.journal} == {told.entry.id: told for told in once.journal}


def test_a_page_that_is_changed_stays_what_it_is() -> None:
    desk = Desk()
    desk.approve(0, dict.fromkeys(range(4), 0))
    desk.approve(1, dict.fromkeys(range(4, 8), 0))
    desk.look()
    gone = next(told for told in desk.journal if told.kind == "stories")
    for page in desk.pages:
        for name, document in page.items():
            assert without(name, document, gone.tombstone) == document or gone.entry.id.encode() in document
            assert without(name, document, replace(gone.tombstone, id="tag:news.example,2026:stories/none")) == document
    assert set(desk.pages[0]) == {NAME, RSS, JSON}
