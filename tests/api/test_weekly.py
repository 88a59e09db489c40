"""The weekly by the API alone: from articles that are sent to the report of the campaign."""

from __future__ import annotations

import email
import email.policy
import json
from typing import Any

import pytest

from digest.app import now
from digest.errors import InputError
from digest.model import Consent, EditionState, SubscriptionState
from digest.store import Begun
from digest.subscriptions import add
from digest.web.api import paging
from tests.api.conftest import EDITION, Api, desk  # noqa: F401 - a fixture

FERRY = {
    "id": "ferry",
    "title": "A ferry sails to Macao again",
    "text": "A ferry sails from Guangzhou to Macao again.\nIt carries goods.",
    "published": "2018-07-18T09:00:00+08:00",
}


def stories(edition: dict[str, Any]) -> dict[str, str]:
    return {item["title"]: item["story"] for section in edition["sections"] for item in section["items"]}


def reader(api: Api, address: str = "ada@example.net") -> int:
    add(api.app.store, address, ["weekly"], consent=Consent(at=now(), basis="import: test"), now=now())
    return api.app.store.subscribers.of(address)[0].id


def test_the_weekly(desk: Api) -> None:  # noqa: F811 - a fixture
    number = reader(desk)
    sent = desk.good(desk.post("/articles", FERRY), 201)
    assert sent["articles"][0]["change"] == "new"
    draft = desk.draft()
    ferry = stories(draft)[FERRY["title"]]
    page = f"/editions/{EDITION}"

    # Two editors: who acts on what they saw is safe, who was too late is told.
    seen = desk.get(page).headers["etag"]
    pinned = desk.post(f"{page}/pin", {"story": ferry}, headers={"If-Match": seen})
    assert pinned.json()["choice"] == [ferry]
    late = desk.post(f"{page}/drop", {"story": ferry}, headers={"If-Match": f'"other", {seen}'})
    assert (late.status_code, late.headers["etag"]) == (412, pinned.headers["etag"])
    assert desk.post(f"{page}/unpin", {"story": ferry}, headers={"If-Match": "*"}).json()["choice"] == []

    note = desk.good(desk.post(f"{page}/note", {"text": "Dear readers"}))
    assert note["note"] == "Dear readers"
    assert FERRY["title"] not in stories(desk.good(desk.post(f"{page}/drop", {"story": ferry, "reason": "old"})))
    acts = desk.good(desk.get(f"{page}/acts"))
    assert [one["act"] for one in acts][-2:] == ["note", "drop"]
    back = desk.good(desk.post(f"{page}/undo", {"act": acts[-1]["number"]}))
    assert FERRY["title"] in stories(back)
    desk.good(desk.post(f"{page}/retitle", {"story": ferry, "title": "Ferry: again"}))
    desk.good(desk.post(f"{page}/summary", {"story": ferry, "text": "It sails."}))
    desk.good(desk.post(f"{page}/move", {"story": ferry, "section": "elsewhere", "place": 1}))
    desk.good(desk.post(f"{page}/refile", {"story": ferry, "themes": ["trade"], "regions": {"Macao": "primary"}}))
    desk.good(desk.post(f"{page}/undo", {"story": ferry}))
    both = desk.post(f"{page}/undo", {"story": ferry, "act": 1})
    assert (both.status_code, both.json()["where"]) == (422, "act, story")
    other = next(story for title, story in stories(back).items() if story != ferry)
    merged = desk.good(desk.post(f"{page}/merge", {"story": ferry, "into": other}))
    assert ferry not in stories(merged).values()
    article = sent["articles"][0]["uid"]
    assert ferry in stories(desk.good(desk.post(f"{page}/split", {"article": article}))).values()
    assert desk.post(f"{page}/pin", {"story": "nothing"}).status_code == 404
    assert desk.post("/editions/nothing/pin", {"story": "nothing"}).status_code == 404

    for kind, media_type in (("html", "text/html"), ("text", "text/plain"), ("eml", "message/rfc822")):
        shown = desk.get(f"{page}/preview?format={kind}&reader=ada@example.net")
        assert shown.headers["content-type"].startswith(media_type)
        assert shown.headers["content-security-policy"].startswith("sandbox;")
    message = email.message_from_bytes(desk.get(f"{page}/preview?format=eml").content, policy=email.policy.default)
    assert message["List-Unsubscribe"]
    assert "text/plain" in desk.get(f"{page}/preview", headers={"Accept": "text/plain"}).headers["content-type"]
    assert desk.get(f"{page}/preview?reader=nobody@example.net").status_code == 404

    assert desk.good(desk.get(f"{page}/preflight"))["blocks"] in {True, False}
    proof = desk.good(desk.post(f"{page}/proof", {"to": ["editor@example.com"]}))
    assert [one["state"] for one in proof] == ["accepted"]

    newest = desk.good(desk.get(page))
    assert desk.post(f"{page}/approve", {"hash": "0" * 12}).status_code == 409
    assert desk.post(f"{page}/approve", {}).status_code == 422
    approved = desk.good(desk.post(f"{page}/approve", {"hash": newest["hash"], "override": "a trial"}))
    assert approved["complete"]
    assert approved["edition"]["approved_by"] == "admin@example.com"

    # The same order twice is one order.
    key = {"Idempotency-Key": "send-w29"}
    assert desk.post("/campaigns", {"edition": EDITION}).status_code == 400
    first = desk.post("/campaigns", {"edition": EDITION}, headers=key)
    second = desk.post("/campaigns", {"edition": EDITION}, headers=key)
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.content == second.content
    assert second.headers["idempotent-replayed"] == "true"
    assert desk.post("/campaigns", {"edition": "other"}, headers=key).status_code == 422
    assert desk.post("/campaigns", {"edition": "other"}, headers={"Idempotency-Key": "new"}).status_code == 404
    assert desk.post("/campaigns", {"edition": EDITION}, headers={"Idempotency-Key": "a b"}).status_code == 400

    desk.app.pipeline.deliver(EDITION)
    campaign = desk.good(desk.get(f"/campaigns/{EDITION}"))
    assert (campaign["state"], campaign["left"], campaign["tally"]["accepted"]) == ("sent", 0, 1)
    (copy,) = desk.good(desk.get(f"/campaigns/{EDITION}/deliveries?state=accepted"))["items"]
    assert copy["subscription"] == number
    assert desk.good(desk.get(f"/campaigns/{EDITION}/report"))["campaign"] == campaign
    assert [one["edition"] for one in desk.good(desk.get("/campaigns"))["items"]] == [EDITION]
    assert desk.good(desk.post(f"/campaigns/{EDITION}/resolve", {})) == {"copies": 0}
    assert desk.good(desk.post(f"/campaigns/{EDITION}/resend", {"addresses": ["ada@example.net"]})) == {"copies": 1}
    assert desk.good(desk.post(f"/campaigns/{EDITION}/pause", {"reason": "wait"}))["state"] == "paused"
    assert desk.good(desk.post(f"/campaigns/{EDITION}/resume"))["state"] == "sending"
    assert desk.good(desk.post(f"/campaigns/{EDITION}/cancel", {}))["state"] == "cancelled"

    happened = desk.good(desk.get("/events?limit=500"))["items"]
    kinds = [one["kind"] for one in happened]
    for kind in ("article.take", "edition.pin", "edition.approve", "edition.approved", "edition.send", "edition.sent"):
        assert kind in kinds, kind
    assert kinds.index("edition.approved") < kinds.index("edition.sent")
    assert all(one["by"] == "admin@example.com" for one in happened if one["kind"] == "edition.approve")


def test_what_fails_may_be_sent_again_under_its_key(desk: Api) -> None:  # noqa: F811 - same
    key, store = {"Idempotency-Key": "k"}, desk.app.store
    assert desk.post(f"/editions/{EDITION}/pin", {"story": "none"}, headers=key).status_code == 404
    assert desk.post(f"/editions/{EDITION}/note", {"text": "now"}, headers=key).status_code == 200
    token = desk.good(desk.get("/me"))["token"]
    assert store.answers.begin(f"token {token}", "other", "x", now()) is Begun.FRESH
    held = desk.post(f"/editions/{EDITION}/note", {"text": "x"}, headers={"Idempotency-Key": "other"})
    assert held.status_code == 422  # it was used for another request, which is under way
    assert store.answers.begin(f"token {token}", "other", "x", now()) is Begun.UNDER_WAY
    store.answers.drop(f"token {token}", "other")
    assert store.answers.forget(now()) == 0


def test_editions_are_held_reopened_and_cancelled(desk: Api) -> None:  # noqa: F811 - same
    page = f"/editions/{EDITION}"
    assert desk.good(desk.post(f"{page}/hold", {"reason": "wait"}))["reason"] == "wait"
    assert desk.good(desk.post(f"{page}/reopen", {}))["state"] == "draft"
    assert desk.good(desk.post(f"{page}/recompose", {}))["state"] == "draft"
    assert desk.post(f"{page}/correct", {"story": "x", "text": "y"}).status_code == 409
    assert desk.good(desk.post(f"{page}/cancel", {}))["state"] == "cancelled"
    assert desk.post("/campaigns", {"edition": EDITION}, headers={"Idempotency-Key": "c"}).status_code == 409
    skipped = desk.good(desk.post("/editions", {"period": "2001-W01"}))
    assert skipped["state"] == "skipped"
    assert desk.post("/editions", {"digest": "none"}).status_code == 404
    assert desk.post("/editions", {"period": "2001-W99"}).status_code == 422
    assert desk.good(desk.get("/campaigns"))["items"] == []
    assert desk.good(desk.get(f"/campaigns/{EDITION}"))["started"] is None
    assert desk.get(f"/campaigns/{EDITION}/report").status_code == 404

    every = desk.get("/editions?limit=1")
    assert len(every.json()["items"]) == 1
    more = desk.good(desk.get(f"/editions?limit=1&after={every.json()['next']}"))
    assert more["next"] is None
    assert 'rel="next"' in every.headers["link"]
    assert desk.good(desk.get("/editions?state=cancelled&digest=weekly"))["items"][0]["id"] == EDITION
    assert desk.get(f"{page}?revision=1").json()["revision"] == 1
    assert desk.get(f"{page}?revision=99").status_code == 404


def test_what_happens_comes_as_a_stream(desk: Api) -> None:  # noqa: F811 - same
    begun = desk.good(desk.get("/events?limit=500"))["next"]
    assert desk.good(desk.get(f"/events?after={begun}")) == {"items": [], "next": begun}
    desk.good(desk.post(f"/editions/{EDITION}/note", {"text": "Hear, hear"}))
    stream = desk.get(f"/events/stream?seconds=0&after={begun}", headers={"Accept": "text/event-stream"})
    assert stream.headers["content-type"].startswith("text/event-stream")
    told = [json.loads(line[6:]) for line in stream.text.splitlines() if line.startswith("data: ")]
    assert [one["kind"] for one in told] == ["edition.note", "edition.revised"]
    again = desk.get("/events/stream?seconds=0", headers={"Last-Event-ID": told[0]["cursor"]})
    assert again.text.count("data: ") == 1
    assert "data:" not in desk.get("/events/stream?seconds=0").text  # from now on
    assert desk.get("/events?after=nonsense").status_code == 422


def test_articles_come_and_change(desk: Api) -> None:  # noqa: F811 - same
    path = "/articles/wire/one/two"
    made = desk.ask("PUT", path, json={"title": "First", "text": "A text."}, headers={"If-None-Match": "*"})
    assert (made.status_code, made.headers["etag"]) == (201, '"1"')
    assert desk.ask("PUT", path, json=FERRY).status_code == 422  # its id is another one
    put = {key: value for key, value in FERRY.items() if key != "id"}
    edited = desk.ask("PUT", path, json=put, headers={"If-Match": '"1"'})
    assert edited.json()["articles"][0]["change"] == "edited"
    assert desk.ask("PUT", path, json=put).json()["articles"][0]["change"] == "unchanged"
    for headers in ({"If-Match": '"1"'}, {"If-Match": '"x"'}, {"If-None-Match": "*"}):
        assert desk.ask("PUT", path, json=put, headers=headers).status_code == 412
    assert desk.ask("PUT", path, json=[put, put]).status_code == 422
    assert desk.ask("PUT", "/articles/desk/x", json=put).status_code == 409
    assert desk.ask("PUT", "/articles/none/x", json=put).status_code == 404

    ninjs = {
        "uri": "urn:newsml:example:1",
        "headlines": [{"role": "main", "value": "Haifa opens a dock"}],
        "bodies": [{"contenttype": "text/html", "value": "<p>Haifa, Israel, opens a dock.</p><script>x()</script>"}],
    }
    headers = {"Content-Type": "application/vnd.iptc.ninjs+json"}
    some = desk.post("/articles?source=wire", content=json.dumps([ninjs, {"title": ""}]), headers=headers)
    assert [one["title"] for one in some.json()["articles"]] == ["Haifa opens a dock"]
    assert some.json()["problems"][0]["where"] == "body.json, entry 2"
    assert desk.post("/articles?whole=true", [ninjs, {"title": ""}]).status_code == 422
    assert desk.post("/articles", [{"title": ""}]).status_code == 422

    found = desk.good(desk.get("/articles?text=dock&source=wire&since=2018-01-01T00:00:00Z"))["items"]
    assert [one["title"] for one in found] == ["Haifa opens a dock"]
    assert desk.get("/articles?since=2018-01-01T00:00:00").status_code == 422
    page = desk.good(desk.get("/articles?limit=1"))
    assert page["next"]
    assert desk.good(desk.get(f"/articles?limit=1&after={page['next']}"))["items"] != page["items"]

    uid = found[0]["uid"]
    look = desk.get(f"/articles/{uid}")
    assert look.headers["etag"] == '"1"'
    assert look.json()["article"]["paragraphs"] == ["Haifa, Israel, opens a dock."]
    assert desk.good(desk.post(f"/articles/{uid}/refile", {"themes": ["trade"]}))["themes"][0]["theme"] == "trade"
    assert desk.post(f"/articles/{uid}/refile", {}).status_code == 422
    assert desk.good(desk.post(f"/articles/{uid}/hold", {"reason": "check it"})) == {"changed": 1}
    assert desk.good(desk.get("/articles?mark=held"))["items"][0]["uid"] == uid
    assert desk.good(desk.post(f"/articles/{uid}/release")) == {"changed": 1}
    assert desk.good(desk.post(f"/articles/{uid}/withdraw", {"reason": "wrong"}))["revised"] == []
    assert desk.post(f"/articles/{uid}/withdraw", {"reason": ""}).status_code == 422
    for act in ("release", "hold", "withdraw", "correct", "refile"):
        bodies: dict[str, object] = {"release": None, "correct": {"text": "x"}, "refile": {"themes": []}}
        answer = desk.post(f"/articles/nothing/{act}", bodies.get(act, {"reason": "x"}))
        assert answer.status_code == 404, act


def test_an_article_of_an_edition_is_corrected(desk: Api) -> None:  # noqa: F811 - same
    story = next(iter(stories(desk.draft()).values()))
    came = desk.good(desk.post(f"/articles/{story}/correct", {"text": "It is right so.", "title": "Right"}))
    assert set(came) == {"revised", "waiting"}


def test_readers(desk: Api) -> None:  # noqa: F811 - same
    wanted = {
        "address": "ada@example.net",
        "consent": "by letter",
        "preferences": {"regions": ["Guangdong"], "themes": ["trade"], "timing": {"day": 0, "every": 2}},
    }
    assert desk.good(desk.post("/subscribers", wanted), 201) == {"fates": {"weekly": "added"}}
    (line,) = desk.good(desk.get("/subscribers?text=ada@example.net"))["items"]
    number = line["subscription"]
    shown = desk.good(desk.get(f"/subscribers/{number}"))
    assert shown["subscription"]["preferences"]["regions"] == ["CN-GD"]
    assert shown["subscription"]["preferences"]["timing"]["every"] == 2
    assert shown["why"]
    for field, value in (("regions", "Nowhere at all"), ("themes", "nothing")):
        bad = desk.ask("PATCH", f"/subscribers/{number}", json={"preferences": {field: [value]}})
        assert (bad.status_code, bad.json()["where"]) == (422, f"preferences.{field}")
    changed = desk.good(desk.ask("PATCH", f"/subscribers/{number}", json={"preferences": {"length": "headlines"}}))
    assert changed["preferences"]["length"] == "headlines"
    assert desk.good(desk.post(f"/subscribers/{number}/pause", {}))["state"] == "paused"
    assert desk.post(f"/subscribers/{number}/pause", {"until": "2030-01-01T00:00:00"}).status_code == 422
    assert desk.good(desk.post(f"/subscribers/{number}/resume"))["state"] == "active"
    assert desk.good(desk.post(f"/subscribers/{number}/end", {"reason": "asked by phone"}))["state"] == "ended"
    assert desk.ask("PATCH", f"/subscribers/{number}", json={"preferences": {}}).status_code == 409
    assert desk.get("/subscribers/999999").status_code == 404

    text = "address,consent\r\nbob@example.net,contract\r\nbroken,contract\r\n"
    csv = {"content": text.encode(), "headers": {"Content-Type": "text/csv"}}
    tried = desk.good(desk.post("/subscribers/import?dry_run=true", **csv))
    assert (tried["imported"], tried["kept"], len(tried["refused"])) == (1, False, 1)
    assert desk.good(desk.post("/subscribers/import?basis=contract", **csv))["imported"] == 1
    exported = desk.get("/subscribers.csv?everyone=true", headers={"Accept": "text/csv"})
    assert "bob@example.net" in exported.text
    page = desk.good(desk.get("/subscribers?limit=1"))
    assert desk.good(desk.get(f"/subscribers?limit=1&after={page['next']}"))["items"][0] != page["items"][0]

    assert desk.good(desk.post("/subscribers/data", {"address": "bob@example.net"}))["subscriptions"]
    assert desk.post("/suppressions", {"address": "eve@example.net", "reason": "asked"}).status_code == 204
    assert desk.good(desk.get("/suppressions"))["items"][0]["cause"] == "operator"
    assert desk.post("/suppressions/lift", {"address": "eve@example.net", "reason": "back"}).status_code == 204
    assert desk.post("/suppressions/lift", {"address": "eve@example.net", "reason": "back"}).status_code == 404
    assert desk.good(desk.post("/subscribers/erase", {"address": "bob@example.net"})) == {"subscriptions": 1}
    assert desk.good(desk.get("/growth?weeks=2"))[-1]["joined"] >= 0
    assert SubscriptionState.ENDED in {one.state for one in desk.app.store.subscribers.every()}


def test_sources(desk: Api) -> None:  # noqa: F811 - same
    keys = {one["key"]: one for one in desk.good(desk.get("/sources"))}
    assert keys["wire"]["kind"] == "api"
    assert desk.good(desk.get("/sources/desk"))["location"] == "incoming"
    assert desk.get("/sources/none").status_code == 404
    assert desk.good(desk.get("/problems?source=desk")) == []
    opml = '<opml version="2.0"><body><outline title="Wire" xmlUrl="https://wire.example.org/feed"/></body></opml>'
    body = {"content": opml.encode(), "headers": {"Content-Type": "text/x-opml"}}
    assert desk.good(desk.post("/sources/import?dry_run=true", **body))[0]["key"]
    (line,) = desk.good(desk.post("/sources/import", **body))
    path = f"/sources/{line['key'] or 'wire-2'}"
    assert desk.good(desk.post(f"{path}/hold", {"reason": "noisy"}))["key"]
    assert desk.good(desk.post(f"{path}/release"))["key"]
    assert desk.good(desk.post(f"{path}/accept")) == {"held": 0}
    assert b"wire.example.org" in desk.get("/sources.opml", headers={"Accept": "text/x-opml"}).content
    assert desk.good(desk.get("/sources?condition=new"))[0]["added"]
    assert desk.ask("DELETE", path).status_code == 204
    assert desk.ask("DELETE", path).status_code == 404
    assert desk.post("/sources", {"url": "http://127.0.0.1:9/feed"}).status_code == 422
    assert desk.post("/sources/test", {"url": "http://127.0.0.1:9/feed"}).status_code == 422
    for act in ("test", "poll"):
        assert desk.post(f"/sources/none/{act}").status_code == 404


def test_what_there_is(desk: Api) -> None:  # noqa: F811 - same
    assert desk.good(desk.get("/", token=""))["docs"] == "https://weekly.example.com/api/v1/docs"
    assert desk.good(desk.get("/health", token=""))["status"] == "ok"
    assert desk.good(desk.get("/status"))["editions"][EditionState.DRAFT] == 1
    assert desk.good(desk.get("/digests"))[0]["sections"][0]["key"] == "china-israel"
    assert "trade" in {one["id"] for one in desk.good(desk.get("/themes"))}
    assert desk.good(desk.get("/regions?name=Guangdong"))[0]["code"] == "CN-GD"
    assert desk.good(desk.get("/regions?name=Nowhere%20at%20all")) == []
    assert isinstance(desk.good(desk.get("/feeds")), list)


@pytest.mark.parametrize("cursor", ["x", "e30", paging.write("a"), paging.write(2**63), paging.write(1, 2)])
def test_a_cursor_of_somebody_else_is_refused(cursor: str) -> None:
    with pytest.raises(InputError, match="no cursor"):
        paging.read(cursor, int)
    with pytest.raises(InputError, match="no cursor"):
        paging.moment(cursor)
    with pytest.raises(InputError, match="no cursor"):
        paging.moment(paging.write("2018-01-01", "x"))
