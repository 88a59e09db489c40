"""Sign-up with double opt-in: what is answered, what is kept, what is sent, and how often."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from digest import subscriptions
from digest.app import now
from digest.errors import ConfigError, StateError
from digest.model import Consent, DeliveryState, Length, Preferences
from digest.settings import load
from digest.subscriptions import acts
from tests.web.conftest import SECOND, Browser, Here, link_in, tree

ADA = "ada@example.net"


def confirmed(here: Here, address: str = ADA, **fields: object) -> str:
    """Sign up and confirm; the confirming link."""
    here.subscribe(address, **fields)
    path = link_in(here.settle()[-1], "confirm")
    assert here.browser.post(path).status_code == 200
    return path


def test_a_person_signs_up_confirms_and_is_welcomed(here: Here) -> None:
    answer = here.browser.post(
        "/subscribe",
        data={
            "form": here.form(),
            "address": "Ada@Example.NET",
            "region": ["CN-GD", "nowhere"],
            "more": "以色列, Shenzhen",
            "theme": ["trade", "none"],
            "length": "headlines",
            "language": "zh-Hans",
            "website": "",
        },
    )
    assert answer.status_code == 200
    assert "Ada@example.net" in answer.text
    assert here.state("Ada@example.net") == ""  # nobody has looked it up yet

    (mail,) = here.settle()
    assert here.state("Ada@example.net") == "pending"
    assert mail["To"] == "Ada@example.net"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-Unsubscribe"] is None
    assert mail["Content-Language"] == "zh-Hans"
    path = link_in(mail, "confirm")

    page = here.browser.get(path)
    assert page.status_code == 200
    assert "Harbour Report" in page.text
    assert here.state("Ada@example.net") == "pending"  # to look is not to confirm

    assert here.browser.post(path).status_code == 200
    (one,) = here.app.store.subscribers.of("Ada@example.net")
    assert one.state.value == "active"
    assert one.preferences.regions[0] == "CN-GD"
    assert one.preferences.regions[1] == "IL"
    assert len(one.preferences.regions) == 3
    assert one.preferences.themes == ("trade",)
    assert (one.preferences.length, one.preferences.language) == (Length.HEADLINES, "zh-Hans")

    asked, given = here.app.store.subscribers.consents(one.id)
    assert asked[1].basis == "form, not confirmed"
    assert given[1].basis == "double opt-in"
    assert given[1].origin == "network 198.51.100.0/24"
    assert "Harbour Weekly" in given[1].text
    assert asked[1].text

    welcome = here.settle()[-1]
    assert here.browser.post(path).status_code == 200  # a second time changes nothing
    assert here.mails()[-1]["Message-ID"] == welcome["Message-ID"]
    assert "One-Click" in welcome["List-Unsubscribe-Post"]
    assert here.browser.get(link_in(welcome, "preferences")).status_code == 200
    assert "You are subscribed" in here.browser.get(path).text


def test_the_whole_address_is_kept_where_the_settings_say_so(make: Callable[..., Here]) -> None:
    here = make("\n[web]\nfull_addresses = true\n")
    confirmed(here)
    assert here.app.store.subscribers.of(ADA)[0].consent == Consent(
        at=here.app.store.subscribers.of(ADA)[0].consent.at,  # type: ignore[union-attr] # it has one
        basis="double opt-in",
        origin="address 198.51.100.7",
        text=here.app.reception.wording("en"),
    )


def _shape(text: str) -> str:
    """A page without the address that was typed in."""
    return re.sub(r"[a-z]+@example\.net", "ADDRESS", text)


def test_the_answer_is_the_same_for_every_address(here: Here) -> None:
    here.reader("active@example.net")
    paused = here.reader("paused@example.net")
    subscriptions.pause(here.app.store, paused, now())
    left = here.reader("left@example.net")
    subscriptions.leave(here.app.store, left, now())
    here.subscribe("pending@example.net")
    here.app.store.subscribers.suppress("suppressed@example.net", "complaint", "", now())
    here.settle()
    for page in ("/subscribe", "/preferences"):
        seen = set()
        for name in ("unknown", "active", "paused", "left", "pending", "suppressed"):
            here.browser.client = f"198.51.100.{len(name)}"
            form = {"form": here.form(page[1:]), "address": f"{name}@example.net"}
            answer = here.browser.post(page, data=form)
            headers = tuple(sorted((key, value) for key, value in answer.headers.items() if key != "content-length"))
            seen.add((answer.status_code, _shape(answer.text), headers))
        assert len(seen) == 1
    before = {name: here.state(f"{name}@example.net") for name in ("active", "paused", "left", "suppressed")}
    here.settle()
    assert {name: here.state(f"{name}@example.net") for name in before} == before


def test_who_is_subscribed_gets_the_links_and_keeps_their_choices(here: Here) -> None:
    number = here.reader()
    here.app.store.subscribers.prefer(number, Preferences(regions=("CN",)), now())
    here.subscribe(region=["IL"])
    (mail,) = here.settle()
    assert here.app.store.subscribers.get(number).preferences.regions == ("CN",)
    assert here.state() == "active"
    assert link_in(mail, "preferences") == here.app.links.preferences(number).removeprefix("https://weekly.example.com")


def test_nobody_writes_to_a_suppressed_address(here: Here) -> None:
    here.app.store.subscribers.suppress(ADA, "complaint", "", now())
    here.subscribe()
    assert here.settle() == []
    assert here.state() == ""


def test_an_address_suppressed_while_a_mail_waits_is_skipped(here: Here) -> None:
    here.subscribe()
    here.app.reception.settle()
    here.app.store.subscribers.suppress(ADA, "complaint", "", now())
    assert here.settle() == []
    (notice,) = here.app.store.notices.deliveries(ADA)
    assert (notice.state, notice.reason) == (DeliveryState.SKIPPED, "suppressed: complaint")


def test_who_left_stays_out_until_they_confirm(here: Here) -> None:
    number = here.reader()
    subscriptions.leave(here.app.store, number, now())
    here.subscribe(region=["IL"])
    (mail,) = here.settle()
    assert here.state() == "ended"
    here.browser.post(link_in(mail, "confirm"))
    assert here.state() == "active"
    assert here.app.store.subscribers.get(number).preferences.regions == ("IL",)


def test_an_old_confirming_link_does_not_bring_back_who_left_since(here: Here) -> None:
    path = confirmed(here)
    number = here.app.store.subscribers.of(ADA)[0].id
    subscriptions.leave(here.app.store, number, now() + timedelta(seconds=2))
    answer = here.browser.post(path)
    assert answer.status_code == 410
    assert "left since" in answer.text
    assert here.state() == "ended"


def test_a_confirming_link_expires_and_says_so(still: Here) -> None:
    number = still.reader()
    old = still.app.links.confirm([number], now() - timedelta(days=8))
    for answer in (still.browser.get(old), still.browser.post(old)):
        assert answer.status_code == 410
        assert "expired" in answer.text


def test_confirming_for_somebody_who_was_erased_says_so(still: Here) -> None:
    path = still.app.links.confirm([999], now())
    assert still.browser.get(path).status_code == 200
    assert still.browser.post(path).status_code == 410


def test_one_confirmation_a_day_and_three_in_all(here: Here) -> None:
    start = now()
    for day in range(6):
        here.moment = start + timedelta(days=day)
        here.browser.client = f"198.51.100.{day}"
        for _ in range(3):
            here.subscribe()
            here.settle()
    assert len(here.mails()) == 3
    assert here.state() == "pending"
    # Who confirms once may be asked again later, when they have left.
    here.browser.post(link_in(here.mails()[-1], "confirm"))
    here.app.reception.send_notices()
    number = here.app.store.subscribers.of(ADA)[0].id
    subscriptions.leave(here.app.store, number, here.clock())
    here.moment = start + timedelta(days=9)
    here.subscribe()
    assert "confirm" in here.settle()[-1].get_body(("plain",)).get_content()  # type: ignore[union-attr] # it has one


def test_links_by_request_come_once_a_day_and_only_to_readers(here: Here) -> None:
    here.reader()
    for address in (ADA, ADA, "unknown@example.net"):
        here.browser.post("/preferences", data={"form": here.form("preferences"), "address": address})
    assert [mail["To"] for mail in here.settle()] == [ADA]


def test_a_network_and_all_together_may_ask_so_often(make: Callable[..., Here]) -> None:
    here = make("\n[web]\nrequests_per_network = 3\nrequests_per_hour = 5\n")

    def ask(number: int, client: str) -> int:
        here.browser.client = client
        return here.subscribe(f"reader{number}@example.net")

    codes = [ask(number, f"203.0.113.{number}") for number in range(5)]
    assert codes == [200, 200, 200, 429, 429]
    here.browser.client = "2001:db8::1"
    assert here.browser.post("/subscribe", data={"form": here.form(), "address": ADA}).status_code == 200
    assert [ask(10, "192.0.2.1"), ask(11, "192.0.2.1")] == [200, 429]
    answer = here.browser.post("/subscribe", data={"form": here.form(), "address": ADA})
    assert answer.headers["retry-after"] == "3600"
    here.settle()
    assert len(here.mails()) == 5
    here.moment = now() + timedelta(hours=2)
    assert ask(12, "203.0.113.9") == 200
    here.moment = now() + timedelta(days=2)
    here.settle()
    assert here.app.store.requests.open() == ()


def test_a_trusted_proxy_says_who_asks_and_nobody_else_does(make: Callable[..., Here]) -> None:
    here = make('\n[web]\nrequests_per_network = 1\ntrusted_proxies = "10.0.0.0/8 ::1"\n')

    def ask(client: str, forwarded: str) -> int:
        browser = Browser(here.browser.application, client)
        form = {"form": here.form(), "address": ADA}
        return browser.post("/subscribe", data=form, headers={"X-Forwarded-For": forwarded}).status_code

    assert ask("10.1.2.3", "9.9.9.9, 203.0.113.1") == 200
    assert ask("10.1.2.3", "8.8.8.8, 203.0.113.2, 10.0.0.9") == 429  # the same network behind two proxies
    assert ask("10.1.2.3", "203.0.114.1") == 200
    assert ask("198.51.100.1", "203.0.115.1") == 200
    assert ask("198.51.100.1", "203.0.116.1") == 429  # not a proxy: what it says of others counts for nothing
    assert ask("10.1.2.3", "not an address") == 200
    assert ask("::ffff:10.1.2.3", "2001:db8:1:2::5") == 200
    assert ask("::1", "2001:db8:1:3::6") == 429


# ---- what is not taken


@pytest.mark.parametrize(
    ("fields", "field", "text"),
    [
        ({"address": ""}, "address", "Enter your e-mail address."),
        ({"address": "nobody"}, "address", "not an e-mail address"),
        ({"address": "a@example.net\r\nBcc: b@example.net"}, "address", "not an e-mail address"),
        ({"address": "a@b@example.net"}, "address", "not an e-mail address"),
        ({"more": "Guangdong, Atlantis<b>"}, "more", "We know no region"),
    ],
)
def test_a_problem_is_said_at_its_field(still: Here, fields: dict[str, str], field: str, text: str) -> None:
    answer = still.browser.post("/subscribe", data={"form": still.form(), "address": ADA, "region": "IL", **fields})
    assert answer.status_code == 422
    page = tree(answer.text)
    shown = page.get_element_by_id(field)
    assert shown.get("aria-invalid") == "true"
    assert f"{field}-error" in shown.get("aria-describedby")
    assert text in page.get_element_by_id(f"{field}-error").text_content()
    assert page.xpath("//*[@role='alert']")
    assert page.xpath("//input[@value='IL']/@checked")
    assert page.xpath("//title")[0].text.startswith("Please check")
    assert "<b>" not in answer.text
    assert still.app.store.requests.open() == ()


def test_programs_that_are_too_fast_or_fill_in_everything_get_no_mail(still: Here) -> None:
    token = still.form(age=0)
    answer = still.browser.post("/subscribe", data={"form": token, "address": ADA})
    assert answer.status_code == 422
    assert "faster than a person" in answer.text
    assert token in answer.text  # so that a person who sends it again gets through
    assert (
        still.browser.post("/subscribe", data={"form": still.form(), "address": ADA, "website": "x"}).status_code == 200
    )
    for stale in ("", "forged", still.form(age=13 * 3600), still.form("preferences")):
        answer = still.browser.post("/subscribe", data={"form": stale, "address": ADA})
        assert answer.status_code == 422
        assert "open for too long" in answer.text
    answer = still.browser.post("/preferences", data={"form": still.form("preferences", age=0), "address": ""})
    assert answer.status_code == 422
    assert still.app.store.requests.open() == ()


def test_forms_of_other_sites_and_odd_ones_are_refused(here: Here) -> None:
    form = {"form": here.form(), "address": ADA}

    def send(**headers: str) -> int:
        return here.browser.post(
            "/subscribe", data=form, headers={k.replace("_", "-"): v for k, v in headers.items()}
        ).status_code

    assert send(Sec_Fetch_Site="cross-site") == 403
    assert send(Sec_Fetch_Site="same-site") == 403
    assert send(Origin="https://evil.example") == 403
    assert send(Origin="null") == 200
    assert send(Origin="https://weekly.example.com") == 200
    assert send(Sec_Fetch_Site="same-origin", Origin="https://proxied.example") == 200
    answer = here.browser.post("/subscribe", json=form)
    assert answer.status_code == 422  # another kind of body says nothing
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert here.browser.post("/subscribe", content=b"\xff", headers=kind).status_code == 400
    assert here.browser.post("/subscribe", content=b"a=%ff", headers=kind).status_code == 400
    assert here.browser.post("/subscribe", content="&".join(["a=1"] * 500), headers=kind).status_code == 400
    assert here.browser.post("/subscribe", content="a=" + "x" * 3000, headers=kind).status_code == 413
    assert here.browser.ask("PUT", "/subscribe").status_code == 405


def test_with_several_digests_a_person_chooses(make: Callable[..., Here]) -> None:
    here = make(SECOND)
    answer = here.browser.post("/subscribe", data={"form": here.form(), "address": ADA})
    assert answer.status_code == 422
    assert "Choose at least one report." in answer.text
    here.subscribe(digest=["weekly", "ports", "none"])
    (mail,) = here.settle()
    assert "Harbour Report, Port Report" in mail["Subject"]
    here.browser.post(link_in(mail, "confirm"))
    assert (here.state(), here.state(digest="ports")) == ("active", "active")
    welcome = here.settle()[-1]
    assert "Port Report" in welcome.get_body(("plain",)).get_content()  # type: ignore[union-attr] # it has one


# ---- the mails that follow


def test_a_confirmation_that_came_about_otherwise_is_not_sent(here: Here) -> None:
    here.subscribe()
    here.app.reception.settle()
    here.reader()  # imported meanwhile
    assert here.settle() == []
    (notice,) = here.app.store.notices.deliveries()
    assert notice.reason == "it was confirmed meanwhile"


def test_a_welcome_to_somebody_who_left_at_once_is_not_sent(here: Here) -> None:
    here.subscribe()
    path = link_in(here.settle()[0], "confirm")
    here.browser.post(path)
    subscriptions.leave(here.app.store, here.app.store.subscribers.of(ADA)[0].id, now())
    assert len(here.settle()) == 1
    assert here.app.store.notices.deliveries()[-1].reason == "the subscription has ended"


def test_a_notice_claimed_by_a_process_that_died_goes_out_again_as_the_same_mail(here: Here) -> None:
    here.subscribe()
    here.app.reception.settle()
    (claim,) = here.app.store.notices.ledger().exchange([], 5, now())
    (mail,) = here.settle()
    assert mail["Message-ID"] == claim.message_id
    first = next((here.app.settings.state / "mail" / "new").iterdir()).read_bytes()
    here.app.store.notices.ledger()
    assert here.app.reception.send_notices() is None  # nothing is due any more
    assert next((here.app.settings.state / "mail" / "new").iterdir()).read_bytes() == first


def test_a_copy_of_an_installation_sends_no_notice(here: Here) -> None:
    here.subscribe()
    here.settle()
    site = here.app.settings.state / "site.json"
    site.write_text(site.read_text(encoding="utf-8").replace(here.app.store.site(), "another"), encoding="utf-8")
    here.subscribe("bob@example.net")
    with pytest.raises(StateError, match="another publication"):
        here.settle()
    assert len(here.mails()) == 1


def test_settling_twice_does_it_once(here: Here) -> None:
    here.subscribe()
    (request,) = here.app.store.requests.open()
    assert here.app.store.requests.settle(request.id, now())
    assert not here.app.store.requests.settle(request.id, now())
    assert here.app.reception.settle() == 0


def test_other_kinds_of_notices_see_their_values(here: Here) -> None:
    assert here.app.reception.notify("link", ADA, "en", now(), cause="test")
    assert not here.app.reception.notify("link", ADA, "en", now(), cause="test")
    assert here.settle() == []
    assert here.app.reception.title("gone") == "gone"


def test_settings_of_the_web_are_checked(here: Here) -> None:
    folder = here.app.settings.folder
    wrong = {"DIGEST_WEB_PORT": "99999", "DIGEST_WEB_TRUSTED_PROXIES": "10.0.0.300", "DIGEST_WEB_CONFIRM_DAYS": "0"}
    with pytest.raises(ConfigError, match=r"web\.port") as caught:
        load(folder, wrong)
    assert "web.trusted_proxies" in str(caught.value)
    assert "web.confirm_days" in str(caught.value)


def test_acts_that_come_twice_change_nothing(here: Here) -> None:
    number = here.reader()
    store = here.app.store
    assert subscriptions.resume(store, number, now()).state.value == "active"
    assert subscriptions.pause(store, number, now()).state.value == "paused"
    assert subscriptions.pause(store, number, now()).state.value == "paused"
    assert subscriptions.undo(store, number, origin="", now=now()).state.value == "paused"
    assert not acts.can_undo(store, 999, now())
    assert acts.confirm(store, [999, number], now(), consent=Consent(at=now(), basis="x")) == ()
