"""The desk's pages of an edition and of a campaign, asked as a browser asks, without a script."""

from __future__ import annotations

import re
from html import unescape

import httpx
import pytest
import sqlalchemy as sa

from digest import subscriptions
from digest.app import App, now
from digest.model import Actor, DeliveryState, OperatorRole
from digest.store import Wanted
from digest.store.schema import deliveries
from digest.web import create_app
from digest.web.console.pictures import bars, lines
from tests.console.conftest import CHEAP
from tests.console.conftest import Browser as Asking
from tests.desk.walking import ADDRESS, PASSWORD, invited
from tests.store.samples import CONSENT

NOW, BEFORE = "weekly-2018-W29", "weekly-2018-W28"


class Browser:
    """A browser without scripts, signed in; it follows where it is sent."""

    def __init__(self, app: App, role: OperatorRole = OperatorRole.ADMIN, address: str = ADDRESS) -> None:
        app.passwords._hasher = CHEAP
        secret = invited(app, address, role)
        app.staff.choose_password(secret, PASSWORD, origin=Actor.system("tests"))
        self.client = Asking(create_app(app))
        self.client.post("/console/sign-in", {"address": address, "password": PASSWORD})

    def ask(self, path: str) -> httpx.Response:
        answer = self.client.get(f"/console{path}")
        for _ in range(3):
            if answer.status_code != 303:
                break
            answer = self.client.get(answer.headers["location"])
        return answer

    def get(self, path: str, status: int = 200) -> str:
        answer = self.ask(path)
        assert answer.status_code == status, answer.text[-2000:]
        return unescape(answer.text)

    def post(self, path: str, status: int = 200, **fields: str | list[str]) -> str:
        answer = self.client.post(f"/console{path}", fields)
        if answer.status_code == 303:
            answer = self.ask(answer.headers["location"].removeprefix("/console"))
        assert answer.status_code == status, answer.text[-2000:]
        return unescape(answer.text)


@pytest.fixture
def browser(app: App) -> Browser:
    one = Browser(app)
    one.get(f"/editions/{NOW}")
    return one


def key(app: App, words: str) -> str:
    edition = app.store.editions.get(NOW).edition
    items = [item.story.key for item in edition.items if words in item.story.lead.title]
    return [*items, *(left.story for left in edition.left_out if words in left.title)][0]


def test_the_list_filters_and_composes(browser: Browser) -> None:
    page = browser.get("/editions")
    assert page.index("16–22 July 2018") < page.index("9–15 July 2018")
    assert "9–15 July" not in browser.get("/editions?state=open")
    assert "16–22 July" not in browser.get("/editions?state=sent&digest=weekly")
    assert "Composed" not in page
    assert "There is no edition" in browser.post("/editions", digest="weekly", period="2017-W01")
    assert "4 stories" in browser.post("/editions", digest="weekly", period="2018-W29")
    assert "2018-W99" in browser.post("/editions", 422, digest="weekly", period="2018-W99")


def test_each_act_of_a_line(app: App, browser: Browser) -> None:
    tram, bridge = key(app, "Tel Aviv"), key(app, "Shanghai")
    assert "Pinned: Tel Aviv opens a tram line." in browser.post(f"/editions/{NOW}/stories", act=f"pin {tram}")
    assert "Not pinned any more" in browser.post(f"/editions/{NOW}/stories", act=f"unpin {tram}")
    for way in ("down", "up", "up"):
        assert "Moved: Shanghai" in browser.post(f"/editions/{NOW}/stories", act=f"{way} {bridge}")
    assert "Dropped: Tel Aviv" in browser.post(f"/editions/{NOW}/stories", act=f"drop {tram}")
    page = browser.get(f"/editions/{NOW}/left-out?q=tel aviv")
    assert "dropped by an operator" in page
    assert "Nothing that was left out says so" in browser.get(f"/editions/{NOW}/left-out?q=mars")
    assert "Taken in: Tel Aviv" in browser.post(f"/editions/{NOW}/stories", act=f"take {tram}")
    assert "no such act" in browser.post(f"/editions/{NOW}/stories", 422, act="fly away")
    browser.post(f"/editions/{NOW}/stories", 404, act="up nothing")


def test_a_storys_page_says_why_and_does_every_act(app: App, browser: Browser) -> None:
    tram, bridge, bus = (key(app, words) for words in ("Tel Aviv", "Shanghai", "Shenzhen"))
    page = browser.get(f"/editions/{NOW}/stories/{tram}")
    assert "Stands under 'Israel': Tel Aviv in Israel is primary." in page
    assert "“Tel Aviv” in the headline" in page
    assert "lies in Israel" in page
    base = f"/editions/{NOW}/stories/{tram}"
    assert "Headline changed: Tel Aviv" in browser.post(f"{base}/retitle", title="Trams for all")
    assert "Not done: an empty headline" in browser.post(f"{base}/retitle", title=" ")
    assert "Summary changed" in browser.post(f"{base}/summarize", summary="They run at dawn.")
    assert "Pinned" in browser.post(f"{base}/pin")
    assert "Not pinned" in browser.post(f"{base}/unpin")
    assert "Moved" in browser.post(f"{base}/move", section="china", theme="culture", place="1")
    assert "Not done: nowhere to move it" in browser.post(f"{base}/move", section="china", theme="culture", place="")
    assert "is no number" in browser.post(f"{base}/move", section="china", theme="culture", place="x")
    refiled = browser.post(
        f"{base}/refile", primary="Guangdong", counterpart="Israel", themes_shown="1", theme=["trade"]
    )
    assert "Refiled" in refiled
    assert "an editor filed it here" in refiled
    assert "no region 'Qwertyland'" in browser.post(f"{base}/refile", primary="Qwertyland", themes_shown="1")
    assert "Merged" in browser.post(f"/editions/{NOW}/stories/{bus}/merge", into=bridge)
    assert "Now a story of its own" in browser.post(f"/editions/{NOW}/stories/{bridge}/split", article=bus)
    acts = app.desk.acts(NOW)
    page = browser.get(base)
    assert "Take it back" in page
    assert "Taken back" in browser.post(f"/editions/{NOW}/undo", act=str(acts[0].id), story=tram)
    assert "Everything decided about it is taken back" in browser.post(f"{base}/undo")
    assert "Dropped" in browser.post(f"{base}/drop", reason="an advertisement")
    # What is not in the edition any more leads to where it can be taken in.
    assert "an advertisement" in browser.get(base)
    browser.get(f"/editions/{NOW}/stories/nothing", 404)
    assert "Taken back" in browser.post(f"/editions/{NOW}/undo", act=str(app.desk.acts(NOW)[-1].id), story=tram)


def test_a_draft_as_it_will_look(app: App, browser: Browser) -> None:
    page = browser.get(f"/editions/{NOW}/look")
    assert f'src="/console/editions/{NOW}/copy"' in page
    assert "sandbox" in page
    assert 'class="screen phone"' in browser.get(f"/editions/{NOW}/look?as=phone")
    assert "Tel Aviv opens a tram line" in browser.get(f"/editions/{NOW}/look?as=text")
    assert "web=1" in browser.get(f"/editions/{NOW}/look?as=web")
    frame = browser.client.get(f"/console/editions/{NOW}/copy")
    assert "sandbox" in frame.headers["content-security-policy"]
    assert "script-src" not in frame.headers["content-security-policy"]
    assert "上海" in browser.get(f"/editions/{NOW}/copy?language=zh-Hans") or "zh" in browser.get(
        f"/editions/{NOW}/copy?language=zh-Hans"
    )
    assert "Ada" not in browser.get(f"/editions/{NOW}/copy?web=1")
    mine = browser.get(f"/editions/{NOW}/copy?reader=ada@example.net")
    number = app.store.subscribers.of("ada@example.net")[0].id
    assert app.links.unsubscribe(number) not in mine  # a look changes nothing, whoever clicks
    assert "no reader of this digest" in browser.get(f"/editions/{NOW}/look?reader=nobody@example.net", 404)


def test_what_was_decided_and_what_differs(app: App, browser: Browser) -> None:
    tram = key(app, "Tel Aviv")
    assert "Nothing yet" in browser.get(f"/editions/{NOW}/history")
    browser.post(f"/editions/{NOW}/note", note="Good morning.\r\nAll is well.")
    browser.post(f"/editions/{NOW}/stories/{tram}/retitle", title="Tel Aviv opens two tram lines")
    page = browser.get(f"/editions/{NOW}/history")
    assert page.index("changed the headline") < page.index("wrote the editor's note")
    page = browser.get(f"/editions/{NOW}/difference")
    assert "<del>" in page
    assert "<ins>two " in page
    assert "No story, headline" in browser.get(f"/editions/{NOW}/difference?before=2&after=2")
    browser.get(f"/editions/{NOW}/difference?before=x", 404)
    browser.get(f"/editions/{NOW}/difference?before=77", 404)
    number = str(app.desk.acts(NOW)[-1].id)
    assert "Taken back" in browser.post(f"/editions/{NOW}/undo", act=number)
    assert "taken back by ada@desk.example" in browser.get(f"/editions/{NOW}/history")
    browser.post(f"/editions/{NOW}/note", note="")


def test_approval_shows_preflight_and_the_hash(app: App, browser: Browser) -> None:
    assert "nothing is signed here" in browser.get(f"/editions/{NOW}/preflight")
    page = browser.get(f"/editions/{NOW}/approve")
    seen = app.store.editions.get(NOW).hash
    assert seen[:12] in page
    app.desk.note(NOW, "Meanwhile.", by=Actor.system("bob"))
    assert "It was changed" not in page
    assert "it was changed; look again" in browser.post(f"/editions/{NOW}/approve", 409, hash=seen)
    now_seen = app.store.editions.get(NOW).hash
    assert "Approved: revision 2." in browser.post(f"/editions/{NOW}/approve", hash=now_seen)
    page = browser.get(f"/editions/{NOW}")
    assert "Send now…" in page
    assert "Pin" not in re.sub(r"(?s)<head>.*?</head>", "", page)


def test_questions_come_before_what_matters(app: App, browser: Browser) -> None:
    browser.get(f"/editions/{NOW}/ask/explode", 404)
    for name in ("hold", "cancel", "reopen", "compose", "send"):
        assert "<form" in browser.get(f"/editions/{NOW}/ask/{name}")
    assert "Composed again" in browser.post(f"/editions/{NOW}/compose")
    assert "It is held." in browser.post(f"/editions/{NOW}/hold", reason="the minister")
    assert "the minister" in browser.get(f"/editions/{NOW}")
    assert "It is a draft again." in browser.post(f"/editions/{NOW}/reopen")
    assert "cannot send it now" in browser.post(f"/editions/{NOW}/send", 409)
    assert "It is cancelled." in browser.post(f"/editions/{NOW}/cancel", reason="nothing new")
    assert "its stories are free" in browser.get(f"/editions/{NOW}")


def test_the_link_of_a_proof_is_bound_to_its_operator_and_its_hash(app: App, browser: Browser) -> None:
    assert "accepted" in browser.post(f"/editions/{NOW}/proof", addresses=f"{ADDRESS}, other@example.net", language="")
    (path,) = [one for one in (app.settings.state / "mail" / "new").iterdir() if ADDRESS in one.read_text()]
    said = path.read_text().replace("=\n", "").replace("=3D", "=")
    found = re.search(r"https://weekly\.example\.com(/console/approve/[A-Za-z0-9._-]+)", said)
    assert found is not None
    (other,) = [
        one for one in (app.settings.state / "mail" / "new").iterdir() if "other@example.net" in one.read_text()
    ]
    assert "/console/approve/" not in other.read_text()  # who does not work the desk gets no link
    link = found[1].removeprefix("/console")
    assert "Approve revision 1" in browser.get(link)
    eve = Browser(app, OperatorRole.PUBLISHER, "eve@desk.example")
    assert "sent to another operator" in eve.get(link, 403)
    editor = Browser(app, OperatorRole.EDITOR, "ed@desk.example")
    editor.get(link, 403)
    browser.get(link[:-3] + "AAA", 403)
    browser.post(f"/editions/{NOW}/note", note="Changed since.")
    assert "It was changed since that proof was sent" in browser.get(link)
    for wrong in ("", "no address", "a@b.example " * 60):
        browser.post(f"/editions/{NOW}/proof", 422, addresses=wrong, language="")
    browser.get(f"/editions/{NOW}/proof")


def test_two_people(app: App, browser: Browser) -> None:
    rule = app.settings.digests[0]
    object.__setattr__(rule, "second_person", True)
    try:
        seen = app.store.editions.get(NOW).hash
        assert "It waits for a second person" in browser.post(f"/editions/{NOW}/approve", hash=seen)
        assert "Approved by ada@desk.example." in browser.get(f"/editions/{NOW}/approve")
        assert "a second person has to" in browser.post(f"/editions/{NOW}/approve", 409, hash=seen)
    finally:
        object.__setattr__(rule, "second_person", False)


def test_a_campaign_is_watched_paused_and_resumed(app: App, browser: Browser) -> None:
    seen = app.store.editions.get(NOW).hash
    browser.post(f"/editions/{NOW}/approve", hash=seen)
    page = browser.post(f"/editions/{NOW}/send")
    assert "It begins in a moment" in page
    app.store.campaigns.start(NOW, app.pipeline.message_id(NOW), now())
    page = browser.get(f"/campaigns/{NOW}")
    assert "data-events" in page
    assert '<noscript><meta http-equiv="refresh"' in page
    assert "Paused." in browser.post(f"/campaigns/{NOW}/pause", reason="")
    assert "It goes on." in browser.post(f"/campaigns/{NOW}/resume")
    app.pipeline.deliver(NOW)
    stream = browser.client.get(f"/console/campaigns/{NOW}/events")
    said = stream.text
    assert stream.headers["content-type"].startswith("text/event-stream")
    assert "event: progress" in said
    assert '"accepted": "2"' in said
    assert said.rstrip().endswith("data: {}")
    page = browser.get(f"/campaigns/{NOW}")
    assert "What became of it" in page
    assert "No server refused" in page
    for name in ("fates", "visits"):
        picture = browser.client.get(f"/console/campaigns/{NOW}/{name}.svg")
        assert picture.headers["content-type"] == "image/svg+xml"
        assert b"<script" not in picture.content
    browser.get("/campaigns/nothing", 404)
    assert "Harbour Report" in browser.get("/campaigns")
    item = app.store.editions.get(BEFORE).edition.items[0].story.key
    assert "Correct it" in browser.get(f"/editions/{BEFORE}/stories/{item}")
    assert "The next edition tells it." in browser.post(
        f"/editions/{BEFORE}/stories/{item}/correct", text="It was two."
    )


def test_the_report_counts_reasons_and_domains(app: App) -> None:
    def state(address: str, word: DeliveryState, **more: object) -> None:
        with app.store._database.transaction() as connection:
            connection.execute(
                sa.update(deliveries).where(deliveries.c.key == address).values(state=word.value, attempts=1, **more)
            )

    app.store.subscribers.put(
        [Wanted(address=f"r{n}@slow.example", digest="weekly", consent=CONSENT) for n in range(3)], now()
    )
    app.desk.approve(NOW, by=Actor.system("test"))
    app.store.campaigns.start(NOW, app.pipeline.message_id(NOW), now())
    state("r0@slow.example", DeliveryState.REFUSED, status="5.1.1", reply="no such user r0")
    state("r1@slow.example", DeliveryState.REFUSED, status="5.1.1", reply="no such user r1")
    state("r2@slow.example", DeliveryState.DEFERRED, code=451, reply="later")
    state("ada@example.net", DeliveryState.SKIPPED, reason="0 of 4 items match (regions Asia)")
    state("bob@example.org", DeliveryState.SKIPPED, reason="0 of 4 items match (themes trade)")
    reasons = {(one.state.value, one.copies): one.reason for one in app.store.reports.reasons(NOW)}
    assert reasons["refused", 2] == "5.1.1 no such user r0"
    assert reasons["deferred", 1] == "451 later"
    assert reasons["skipped", 2] == "0 of 4 items match"
    (slow,) = app.store.reports.domains(NOW)
    assert (slow.domain, slow.of(DeliveryState.REFUSED), slow.of(DeliveryState.DEFERRED)) == ("slow.example", 2, 1)
    campaign = app.store.campaigns.get(NOW)
    number = app.store.subscribers.of("ada@example.net")[0].id
    subscriptions.leave(app.store, number, now(), "unsubscribed by a link")
    app.store.subscribers.suppress("bob@example.org", "complaint", "a report", now())
    until = now().replace(year=campaign.started.year + 1)
    assert (app.store.reports.left(NOW, until), app.store.reports.complaints(NOW, until)) == (1, 1)
    assert (app.store.reports.left(NOW, campaign.started), app.store.reports.complaints(NOW, campaign.started)) == (
        0,
        0,
    )


def test_pictures_have_no_script() -> None:
    for picture in (bars("A", ["x"], {"a": [1], "b": [2]}, stacked=True), lines("B", [], {"a": []})):
        assert picture.startswith(b"<?xml")
        assert b"<script" not in picture
