"""The life of a live source, over a real server: asked, moved, held, gone, and back again."""

from __future__ import annotations

import re
import socket
import threading
from datetime import timedelta

import pytest

from digest.errors import Busy, InputError, NotFound, PickupError
from digest.fetch import Fetched
from digest.model import Article, Condition, Rights, Source, SourceKind
from digest.sources import POLLING
from digest.store import Store
from tests.feed_server import FeedServer, Request, answer
from tests.live.conftest import NOW, Clock, Open, item, rss

TWENTY = [item(number) for number in range(1, 21)]


def stored(store: Store, source: str = "port") -> tuple[Article, ...]:
    return store.articles.latest(source, 100)


def with_validators(body: str, etag: str) -> object:
    def route(request: Request, _: socket.socket) -> bytes:
        if request.headers.get("if-none-match") == etag:
            return answer(status="304 Not Modified", etag=etag)
        return answer(body, etag=etag, content_type="application/rss+xml")

    return route


def test_a_source_is_asked_when_due_and_brings_each_article_once(
    server: FeedServer, sources: Open, store: Store, clock: Clock
) -> None:
    server.routes["/feed"] = with_validators(rss(*TWENTY), '"1"')  # type: ignore[assignment]  # a route
    live = sources(port={})
    first = live.ask()
    assert (first.asked, first.new, first.problems) == (1, 20, [])
    assert live.ask().asked == 0  # not due
    clock.forward(hours=7)
    again = live.ask()
    assert (again.asked, again.unmodified, again.new) == (1, 1, 0)
    assert server.requests[-1].headers["if-none-match"] == '"1"'
    assert server.requests[-1].headers["user-agent"] == "Digest/test"
    assert len(stored(store)) == 20
    newest = stored(store)[0]
    assert newest.url == server.url("/articles/1")  # relative links are the feed's
    assert newest.publisher == "Harbour News"
    assert newest.origin == server.url("/feed") + ", entry 1"


def test_an_edit_is_a_version_and_an_addition_is_news(
    server: FeedServer, sources: Open, store: Store, clock: Clock
) -> None:
    server.routes["/feed"] = answer(rss(*TWENTY))
    live = sources(port={})
    live.ask()
    server.routes["/feed"] = answer(rss(item(0), item(1, title="Corrected"), *TWENTY[1:]))
    clock.forward(days=1)
    done = live.ask()
    assert (done.new, done.edited, done.unchanged) == (1, 1, 19)
    assert [one.version for one in stored(store)[:3]] == [1, 2, 1]
    clock.forward(days=1)
    assert (live.ask().unchanged, len(stored(store))) == (20 + 1, 21)


def test_a_permanent_move_is_kept_once_somebody_answers_there(
    server: FeedServer, sources: Open, store: Store, clock: Clock
) -> None:
    server.routes["/feed"] = answer(status="301 Moved", location="/new")
    live = sources(port={})
    assert live.ask().problems[0].what == "source 'port': the server answers 404 Not Found"
    assert live.get("port").state.moved_to == ""
    server.routes["/new"] = answer(rss(*TWENTY))
    clock.forward(days=1)
    assert live.ask().new == 20
    assert live.get("port").state.url == server.url("/new")
    assert store.sources.problems("port") == ()
    clock.forward(days=1)
    live.ask()
    assert server.paths() == ["/feed", "/new", "/feed", "/new", "/new"]
    server.routes["/new"] = answer(status="301 Moved", location="/feed")
    server.routes["/feed"] = answer(rss(*TWENTY))
    clock.forward(days=1)
    live.ask()
    assert live.get("port").state.moved_to == ""


def test_a_move_to_a_page_that_is_no_feed_is_not_believed(server: FeedServer, sources: Open) -> None:
    server.routes |= {
        "/feed": answer(status="301 Moved", location="/parked"),
        "/parked": answer("<html><body><p>This domain is for sale.</p></body></html>", content_type="text/html"),
    }
    live = sources(port={})
    assert "not a feed" in live.ask().problems[0].what or "not well-formed" in live.ask(everyone=True).problems[0].what
    assert live.get("port").state.moved_to == ""
    assert live.get("port").condition is Condition.FAILING


def test_gone_ends_it_with_a_notice_until_an_operator_says_so(
    server: FeedServer, sources: Open, store: Store, clock: Clock
) -> None:
    server.routes["/feed"] = answer(status="410 Gone")
    live = sources(port={})
    assert "gone for good" in live.ask().problems[0].what
    assert live.get("port").condition is Condition.GONE
    clock.forward(days=400)
    assert live.ask().asked == 0
    assert [problem.what for problem in store.sources.problems("port")] == [
        "source 'port': it is gone for good (410) and not asked any more"
    ]
    server.routes["/feed"] = answer(rss(*TWENTY))
    assert live.accept("port") == 0
    assert live.ask().new == 20
    assert store.sources.problems("port") == ()


def test_failures_are_counted_told_and_over(server: FeedServer, sources: Open, store: Store, clock: Clock) -> None:
    server.routes["/feed"] = answer(status="503 Down", retry_after="7200")
    live = sources(port={})
    assert len(live.ask().problems) == 1
    state = live.get("port").state
    assert (state.failures, state.next_poll) == (1, NOW + timedelta(hours=2))
    for _ in range(5):
        clock.forward(days=1)
        live.ask()
    (problem,) = store.sources.problems("port")
    assert problem.times == 6
    assert "503" in problem.what
    assert [health.condition for health in store.sources.health(clock())] == [Condition.FAILING]
    server.routes["/feed"] = answer(rss(*TWENTY))
    clock.forward(days=1)
    assert live.ask().new == 20
    assert store.sources.problems("port") == ()


def test_a_flood_of_old_items_is_held_and_taken_when_the_operator_accepts(
    server: FeedServer, sources: Open, store: Store, clock: Clock
) -> None:
    live = sources(port={})
    server.routes["/feed"] = answer(rss(*TWENTY))
    live.ask()
    renamed = [one | {"guid": f"new-{one['guid']}"} for one in TWENTY]
    server.routes["/feed"] = with_validators(rss(item(0), *renamed), '"2"')  # type: ignore[assignment]  # a route
    clock.forward(days=1)
    done = live.ask()
    assert (done.new, done.held) == (1, 20)
    assert live.get("port").condition is Condition.HELD
    assert "digest sources accept port" in store.sources.problems("port")[0].remedy
    clock.forward(days=1)
    assert live.ask().unmodified == 1
    assert live.get("port").state.held == 20
    assert live.accept("port") == 20
    done = live.ask()
    assert (done.new, done.edited, done.unchanged, done.held) == (0, 0, 21, 0)  # known by title and date
    assert len(stored(store)) == 21
    assert store.sources.problems("port") == ()
    clock.forward(days=1)
    server.routes["/feed"] = answer(rss(*renamed))
    assert live.ask().new == 0


def test_a_source_that_brings_nothing_for_too_long_is_told(
    server: FeedServer, sources: Open, store: Store, clock: Clock
) -> None:
    server.routes["/feed"] = answer(rss(*TWENTY))
    live = sources(port={})
    live.ask()
    for _ in range(6):
        clock.forward(days=1)
        done = live.ask()
    assert "nothing new since 2021-06-01" in done.problems[0].what
    assert live.get("port").condition is Condition.QUIET
    server.routes["/feed"] = answer(rss(item(-6), *TWENTY))
    clock.forward(days=1)
    assert live.ask().new == 1
    assert store.sources.problems("port") == ()


def test_one_bad_source_costs_only_itself(server: FeedServer, sources: Open, store: Store) -> None:
    bomb = "<rss><channel><item " + " ".join(f'a{n}="x"' for n in range(60_000)) + "/></channel></rss>"
    server.routes |= {
        "/good": answer(rss(*TWENTY)),
        "/bomb": answer(bomb),
        "/junk": answer(b"\x00\x01\x02" * 1000),
        "/empty": answer(""),
        "/json": answer('{"version": "https://jsonfeed.org/version/1.1", "items": [{"id": "1", "title": "A"}, 5]}'),
        "/none": answer(rss()),
    }
    live = sources(**{key: {"path": f"/{key}"} for key in ("bomb", "junk", "empty", "good", "json", "none")})
    done = live.ask()
    assert done.asked == 6
    assert done.new == 21
    assert {one.source.key: one.condition for one in live.standings(NOW)} == {
        "bomb": Condition.FAILING,
        "junk": Condition.FAILING,
        "empty": Condition.FAILING,
        "good": Condition.OK,
        "json": Condition.OK,
        "none": Condition.OK,
    }
    assert {problem.source for problem in store.sources.problems()} == {"bomb", "junk", "empty", "json"}


@pytest.mark.parametrize(
    ("charset", "header", "declared"),
    [
        ("gb18030", "GB2312", ""),
        ("big5", "Big5", ""),
        ("gb18030", "", "gb2312"),
        ("gb18030", "", ""),
        ("utf-8", "ISO-8859-1", ""),
    ],
)
def test_charsets(charset: str, header: str, declared: str, *, server: FeedServer, sources: Open, store: Store) -> None:
    words = (
        "中國的經濟發展是我們這個時代的大事"
        if charset == "big5"
        else "中国的经济发展是我们这个时代的大事，人民的生活在变化"
    )
    text = rss(item(1, title=words, description=words * 3))
    text = text.replace('<?xml version="1.0"?>', f'<?xml version="1.0" encoding="{declared}"?>' if declared else "")
    kind = f"text/xml; charset={header}" if header else "text/xml"
    server.routes["/feed"] = answer(text.encode(charset), content_type=kind)
    assert sources(port={}).ask().new == 1
    assert stored(store)[0].title == words


PAGE = """<html><head><title>Port of Shenzhen</title></head><body><nav>Home News</nav><article><h1>Port of Shenzhen</h1>
<p>The port of Shenzhen handled more containers in May than in any month before, its operator said on Monday.</p>
<p>Exports of electronics and machinery led the growth, while waiting times for ships fell to two days on average.</p>
<p>The operator expects the third berth at Yantian to open in September, three months earlier than it had planned.</p>
</article><footer>Copyright</footer></body></html>"""


def test_full_text_takes_the_place_of_teasers_where_the_rights_allow_it(
    server: FeedServer, sources: Open, store: Store, clock: Clock
) -> None:
    server.routes |= {
        "/feed": answer(rss(item(1), item(2), item(3), item(4, link=None))),
        "/articles/1": answer(PAGE, content_type="text/html"),
        "/articles/2": answer(status="503 Later"),
        "/articles/3": answer("<html><body></body></html>", content_type="text/html"),
    }
    live = sources(port={"full_text": True, "rights": Rights.FULL})
    assert live.ask().new == 4
    whole, teaser, *_ = stored(store)
    assert len(whole.paragraphs) == 3
    assert whole.teaser == "What happened at the port on day 1."
    assert whole.title == "Port of Shenzhen, day 1"
    assert teaser.paragraphs == ("What happened at the port on day 2.",)
    server.routes["/articles/2"] = answer(PAGE, content_type="text/html")
    clock.forward(days=1)
    done = live.ask()
    assert (done.new, done.edited) == (0, 1)
    clock.forward(days=1)
    live.ask()
    asked = [path for path in server.paths() if path.startswith("/articles")]
    assert sorted(asked) == ["/articles/1", "/articles/2", "/articles/2", "/articles/3"]


def test_pages_beyond_the_limit_come_with_the_next_poll(
    server: FeedServer, sources: Open, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    monkeypatch.setattr("digest.sources.asking.PAGES", 1)
    server.routes |= {"/feed": answer(rss(item(1), item(2)))}
    server.routes |= {f"/articles/{n}": answer(PAGE, content_type="text/html") for n in (1, 2)}
    live = sources(port={"full_text": True, "rights": Rights.FULL})
    assert live.ask().new == 2
    clock.forward(days=1)
    assert live.ask().edited == 1


def test_only_one_process_asks_and_only_what_is_meant(server: FeedServer, sources: Open, store: Store) -> None:
    server.routes |= {"/a": answer(rss(*TWENTY)), "/b": answer(rss(*TWENTY))}
    live = sources(a={"path": "/a"}, b={"path": "/b"})
    with store.hold(POLLING), pytest.raises(Busy):
        live.ask()
    assert live.ask(only="b").asked == 1
    assert server.paths() == ["/b"]
    with pytest.raises(NotFound, match="no live source 'c'"):
        live.ask(only="c")
    assert live.ask(everyone=True).asked == 2


def test_another_address_in_the_settings_begins_anew(server: FeedServer, sources: Open) -> None:
    server.routes |= {"/a": answer(status="410 Gone"), "/b": answer(rss(*TWENTY))}
    sources(port={"path": "/a"}).ask()
    live = sources(port={"path": "/b"})
    assert live.get("port").condition is Condition.NEW
    assert live.ask().new == 20


# ---- added sources


def feed(url: str, key: str = "added", **fields: object) -> Source:
    given = {"key": key, "kind": SourceKind.FEED, "location": url, **fields}
    return Source(**given)  # type: ignore[arg-type]  # a test's shorthand


def test_sources_are_added_asked_and_removed(server: FeedServer, sources: Open, store: Store) -> None:
    server.routes |= {"/feed": answer(rss(item(1))), "/more": answer(rss(*TWENTY))}
    live = sources(port={})
    live.add(feed(server.url("/more")))
    assert [(one.source.key, one.added) for one in live.standings(NOW)] == [("port", False), ("added", True)]
    assert live.ask().new == 21
    live.remove("added")
    assert [source.key for source in live.all()] == ["port"]
    assert len(stored(store, "added")) == 20
    assert store.sources.seen("added") == {}
    with pytest.raises(NotFound):
        live.remove("added")
    with pytest.raises(InputError, match="take it out there"):
        live.remove("port")


def test_a_source_of_the_settings_goes_before_an_added_one_of_the_same_key(server: FeedServer, sources: Open) -> None:
    sources().add(feed(server.url("/one"), "port"))
    assert [source.location for source in sources(port={}).all()] == [server.url("/feed")]


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (feed("{server}/x", "Bad Key"), "is no key"),
        (feed("{server}/x", "port"), "there is a source 'port' already"),
        (feed("{server}/feed"), "picked up already, as 'port'"),
        (feed("http://127.0.0.1:1/x"), "port 1 is not"),
        (feed("http://169.254.169.254/x"), "not the public internet"),
        (feed("{server}/x", full_text=True), "needs the right"),
    ],
)
def test_what_cannot_be_added(source: Source, why: str, server: FeedServer, sources: Open) -> None:
    location = source.location.replace("{server}", server.url("").rstrip("/"))
    with pytest.raises(InputError, match=re.escape(why)):
        sources(port={}).add(feed(location, source.key, full_text=source.full_text))


def test_keys_are_made_of_titles_or_hosts_and_free(server: FeedServer, sources: Open) -> None:
    live = sources(port={}, harbour={"path": "/h"})
    assert live.key_for("Port", "http://x.example") == "port-2"
    assert live.key_for("Harbour & Co: News!", "http://x.example") == "harbour-co-news"
    assert live.key_for("深圳港", "http://www.news.example/feed") == "news-example"
    assert live.key_for("", "") == "source"


def test_a_look_keeps_nothing(server: FeedServer, sources: Open, store: Store) -> None:
    server.routes["/feed"] = answer(rss(*TWENTY))
    asked = sources(port={}).look(server.url("/feed"), feed(server.url("/feed")))
    assert isinstance(asked.result, Fetched)
    assert asked.reading is not None
    assert len(asked.reading.articles) == 20
    assert store.sources.states() == {}
    assert stored(store) == ()


# ---- lists


OPML = """<?xml version="1.0"?>
<opml version="2.0"><head><title>Mine</title></head><body>
<outline text="Asia">
  <outline text="Port" type="rss" xmlUrl="{server}/feed"/>
  <outline text="News of the &lt;day&gt;" title="Day" type="rss" xmlUrl="{server}/day" htmlUrl="{server}/"/>
  <outline text="Day again" type="rss" xmlUrl="{server}/day"/>
  <outline text="Inside" xmlUrl="http://192.168.1.1/feed"/>
  <outline text="A note"/>
  <outline text="Day" XMLURL="{server}/day2"/>
</outline></body></opml>"""


def test_a_list_of_feeds_is_imported_line_by_line(server: FeedServer, sources: Open) -> None:
    live = sources(port={})
    data = OPML.replace("{server}", server.url("").rstrip("/")).encode()
    for dry_run in (True, False):
        lines = live.import_opml(data, "list.opml", rights=Rights.SUMMARY, dry_run=dry_run)
        assert [(line.line, line.key, line.why[:20]) for line in lines] == [
            (4, "port", "it is picked up alre"),
            (5, "day", ""),
            (6, "day", "it is picked up alre"),
            (7, "", "192.168.1.1, which i"),
            (8, "", "names no feed (xmlUr"),
            (9, "day-2", ""),
        ]
        assert len(live.all()) == (1 if dry_run else 3)
    assert server.requests == []


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"<opml><body>", "not well-formed"),
        (b"<html/>", "not an OPML list: <html>"),
        (
            b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><opml><body><outline text="&a;"/></body></opml>',
            "external entity",
        ),
        (b'<!DOCTYPE x [<!ENTITY a "aaaa">]><opml><body><outline text="&a;"/></body></opml>', "document type"),
        (b"<opml>" + b" " * 5_000_001, "at most"),
    ],
)
def test_what_is_no_list_is_said(data: bytes, what: str, sources: Open) -> None:
    with pytest.raises(PickupError, match=what):
        sources().import_opml(data, "list.opml", rights=Rights.SUMMARY)


def test_asked_to_stop_it_breaks_off_and_asks_again_next_time(server: FeedServer, sources: Open, store: Store) -> None:
    reached, ended = threading.Event(), threading.Event()

    def slow(_request: Request, _: socket.socket) -> bytes:
        reached.set()
        ended.wait(20)
        return answer(rss(*TWENTY))

    server.routes["/feed"] = slow
    live = sources(port={}, dock={"path": "/dock"})
    try:
        stopped = live.ask(stop=reached.is_set)
    finally:
        ended.set()
    assert (stopped.new, stopped.problems) == (0, [])
    server.routes["/feed"] = server.routes["/dock"] = answer(rss(*TWENTY))
    assert live.ask().new == 40
    assert live.ask(everyone=True, stop=lambda: True).asked == 0


def test_many_answers_that_nothing_changed_are_kept_together(
    server: FeedServer, sources: Open, store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digest.sources.asking._Clerk.MANY", 2)
    keys = ["one", "two", "three"]
    for key in keys:
        server.routes[f"/{key}"] = with_validators(rss(*TWENTY), '"1"')  # type: ignore[assignment]  # a route
    live = sources(**{key: {"path": f"/{key}"} for key in keys})
    live.ask()
    server.routes["/two"] = answer(status="500 Broken")
    assert len(live.ask(everyone=True).problems) == 1
    assert [problem.source for problem in store.sources.problems()] == ["two"]
    server.routes["/two"] = with_validators(rss(*TWENTY), '"1"')  # type: ignore[assignment]  # a route
    clock.forward(hours=1)
    assert live.ask(everyone=True).unmodified == 3
    assert store.sources.problems() == ()
    assert {state.last_ok for state in store.sources.states().values()} == {clock()}
