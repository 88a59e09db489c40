from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest import subscriptions
from digest.errors import AddressError, ListError, NotFound
from digest.model import Accepted, Consent, Length, Preferences, Record, Reply, SubscriptionState, Theme
from digest.places import Places
from digest.store import Fate, Store
from digest.subscriptions import ImportReport, read_address
from tests.store.conftest import postgresql, store, url
from tests.store.samples import CONSENT, NOW, start_campaign

__all__ = ["postgresql", "store", "url"]  # fixtures: each test runs on SQLite and on PostgreSQL

LATER = NOW + timedelta(days=1)
THEMES = {
    theme.id: theme
    for theme in (
        Theme(id="trade", names={"en": "Trade & Investment", "zh": "贸易与投资"}),
        Theme(id="energy", names={"en": "Energy", "zh": "能源"}),
    )
}


@pytest.fixture(scope="module")
def places() -> Places:
    return Places.load()


def load(
    store: Store,
    places: Places,
    text: str | bytes,
    *,
    digests: Sequence[str] = ("weekly",),
    themes: Mapping[str, Theme] = THEMES,
    **more: object,
) -> ImportReport:
    data = text.encode() if isinstance(text, str) else text
    return subscriptions.import_csv(store, data, places=places, themes=themes, digests=digests, now=NOW, **more)  # type: ignore[arg-type]  # options


def refusals(report: ImportReport) -> list[str]:
    return [str(line) for line in report.refused]


# ---- addresses


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("ada@example.org", "ada@example.org"),
        ("  Ada.L+news@EXAMPLE.org ", "Ada.L+news@example.org"),
        ("ada@bücher.example.org", "ada@xn--bcher-kva.example.org"),
        ("o'neill@example.org", "o'neill@example.org"),
    ],
)
def test_addresses_are_read(text: str, address: str) -> None:
    assert read_address(text) == address
    assert read_address(address) == address


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is not an address"),
        ("ada", "is not an address"),
        ("ada@example", "is not an address"),
        ("a@b@example.org", "is not an address"),
        ("alice@example.org)bob@x", "is not an address"),
        ("Ada <ada@example.org>", "spaces"),
        ("ada@example.org,bob@example.org", "is not an address"),
        ("ada@example.org\r\nBcc: x@example.org", "control characters"),
        ("ada@example.org\x00", "control characters"),
        ("ada@exam\u2028ple.org", "control characters"),
        ("áda@example.org", "before the @"),
        ('"ada l"@example.org', "spaces"),
        ('"ada"@example.org', "is not an address"),
        ("ada@[127.0.0.1]", "is not an address"),
        ("a..b@example.org", "is not an address"),
        ("x" * 65 + "@example.org", "is not an address"),
        ("a@" + "é" * 60 + ".example.org", "is not an address"),
    ],
)
def test_what_is_no_address_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(AddressError, match=reason) as caught:
        read_address(text)
    assert "\r" not in str(caught.value)


def test_an_address_may_have_254_characters_on_the_wire_and_no_more() -> None:
    with pytest.raises(AddressError):
        read_address("a" * 64 + "@" + ".".join(["b" * 60] * 4) + ".example.org")


@given(st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_nothing_that_is_read_can_break_a_header_or_an_envelope(text: str) -> None:
    try:
        address = read_address(text + "@example.org")
    except AddressError:
        return
    assert address.isascii()
    assert address.isprintable()
    assert address.count("@") == 1
    assert not set(address) & set(' <>,;:()[]"\\')


# ---- one person


def test_a_person_is_added_and_leaves_and_is_not_revived(store: Store) -> None:
    added = subscriptions.add(
        store, "Ada@EXAMPLE.org", ["weekly", "monthly"], consent=CONSENT, now=NOW, name=" Ada\r\nL. "
    )
    assert added == {"weekly": Fate.ADDED, "monthly": Fate.ADDED}
    [monthly, weekly] = store.subscribers.of("ada@example.org")
    assert (weekly.address, weekly.name) == ("Ada@example.org", "Ada  L.")
    left = subscriptions.leave(store, weekly.id, LATER)
    assert left.state is SubscriptionState.ENDED
    assert subscriptions.leave(store, weekly.id, LATER) == left
    again = subscriptions.add(store, "ada@example.org", ["weekly", "monthly"], consent=CONSENT, now=LATER)
    assert again == {"weekly": Fate.LEFT, "monthly": Fate.UNCHANGED}
    assert [one.id for one in subscriptions.remove(store, "ada@example.org", LATER)] == [monthly.id]
    assert subscriptions.remove(store, "ada@example.org", LATER) == ()


def test_removing_from_one_digest_leaves_the_other(store: Store) -> None:
    subscriptions.add(store, "ada@example.org", ["weekly", "monthly"], consent=CONSENT, now=NOW)
    subscriptions.remove(store, "ADA@example.org", NOW, digest="weekly")
    assert [one.digest for one in store.subscribers.every(states=[SubscriptionState.ACTIVE])] == ["monthly"]
    with pytest.raises(NotFound, match="ada@example"):
        subscriptions.remove(store, "ada@example.org", NOW, digest="daily")
    with pytest.raises(AddressError):
        subscriptions.add(store, "ada", ["weekly"], consent=CONSENT, now=NOW)


def test_why_somebody_got_no_mail(store: Store) -> None:
    assert subscriptions.why(store, "nobody@example.org") == (
        "no subscriber has this address",
        "no copy was ever meant for this address",
    )
    start_campaign(store, 2)
    store.subscribers.suppress("reader1@example.org", "complaint", "report 7", NOW)
    store.subscribers.suppress("x@example.org", "operator", "", NOW)
    ledger = store.campaigns.ledger("weekly-2018-W29")
    assert subscriptions.why(store, "reader0@example.org")[1] == "weekly-2018-W29: queued"
    claims = ledger.exchange((), 2, NOW)
    reply = Reply(code=250, status="2.0.0", text="queued")
    ledger.exchange([Record(delivery=claims[0].delivery, outcome=Accepted(reply=reply), at=NOW)], 0, NOW)
    assert subscriptions.why(store, "reader0@example.org") == (
        "weekly: active; consent of 2018-07-23: double opt-in",
        "weekly-2018-W29: accepted on 2018-07-23 08:00 UTC: 250 2.0.0 queued",
    )
    assert subscriptions.why(store, "reader1@example.org") == (
        "suppressed since 2018-07-23: complaint (report 7)",
        "weekly: active; consent of 2018-07-23: double opt-in",
        "weekly-2018-W29: skipped on 2018-07-23 08:00 UTC: suppressed: complaint",
    )
    assert subscriptions.why(store, "x@example.org")[0] == "suppressed since 2018-07-23: operator"


# ---- lists


def test_a_list_is_imported_with_what_its_readers_chose(store: Store, places: Places) -> None:
    report = load(
        store,
        places,
        "address,name,digests,regions,themes,language,length,consent\r\n"
        'ada@example.org,"Everett, Ada",, cn-gd ; 以色列;Guangdong,trade;贸易与投资; energy ,ZH-hans,Headlines,contract\r\n'
        "\r\n"
        "bo@example.org,,weekly;monthly;weekly,,,,,double opt-in 2018-05-03\r\n",
        digests=("weekly", "monthly"),
    )
    assert (report.imported, report.updated, report.unchanged, report.refused, report.revived) == (2, 0, 0, [], 0)
    [monthly, weekly] = store.subscribers.of("ada@example.org")
    assert weekly.name == "Everett, Ada"
    assert weekly.preferences == monthly.preferences == Preferences(
        regions=("CN-GD", "IL"), themes=("trade", "energy"), language="zh-Hans", length=Length.HEADLINES
    )  # fmt: skip
    assert weekly.consent == Consent(at=NOW, basis="import: contract", origin="list:2")
    [bo, _] = store.subscribers.of("bo@example.org")
    assert (bo.preferences, bo.state) == (Preferences(), SubscriptionState.ACTIVE)
    assert bo.consent is not None
    assert bo.consent.origin == "list:4"


def test_importing_again_changes_nothing_and_a_change_is_an_update(store: Store, places: Places) -> None:
    text = "address,themes,consent\nada@example.org,{},contract\nbo@example.org,,contract\n"
    assert load(store, places, text.format("")).imported == 2
    again = load(store, places, text.format(""))
    assert (again.imported, again.updated, again.unchanged) == (0, 0, 2)
    changed = load(store, places, text.format("trade"))
    assert (changed.imported, changed.updated, changed.unchanged) == (0, 1, 1)


def test_lines_with_a_fault_are_reported_and_stop_no_other(store: Store, places: Places) -> None:
    report = load(
        store,
        places,
        "address,name,digests,regions,themes,language,length,consent\n"
        "good@example.org,,,,,,,contract\n"
        "bad,,,,,,,contract\n"
        ",,,,,,,contract\n"
        "a@example.org,,,Nowhereland,,,,contract\n"
        "b@example.org,,,,sport,,,contract\n"
        "c@example.org,,daily,,,,,contract\n"
        "d@example.org,,,,,tlh,,contract\n"
        "e@example.org,,,,,,short,contract\n"
        "f@example.org,,,,,,,\n"
        "GOOD@example.org,,,,,,,contract\n"
        "g@example.org,,,,,,,contract,more\n"
        f"h@example.org,{'x' * 201},,,,,,contract\n"
        '"i@example.org","two\nlines",,,,,,contract\n'
        "j@example.org,bell\x07,,,,,,contract\n"
        "k@example.org\n"
        "last@example.org,,,,,,,contract\n",
    )
    assert refusals(report) == [
        "line 3: bad: 'bad' is not an address (write it as name@example.org)",
        "line 4: no address: no address (fill it in, or remove the line)",
        "line 5: a@example.org: there is no region 'Nowhereland' (give a code (CN-GD) or an English name)",
        "line 6: b@example.org: there is no theme 'sport' (there are: energy, trade)",
        "line 7: c@example.org: there is no digest 'daily' (there are: weekly)",
        "line 8: d@example.org: the mails are not written in 'tlh' (there are: en, zh-Hans)",
        "line 9: e@example.org: there is no length 'short' (full or headlines)",
        "line 10: f@example.org: no consent (say on what basis we may write to this person)",
        "line 11: GOOD@example.org: line 2 has this address already (keep one of the two)",
        "line 12: g@example.org: 9 values, but the header names 8 columns (put a value that holds a comma into double quotes)",
        "line 13: h@example.org: name is too long (201 characters) (shorten it)",
        "line 14: i@example.org: name has control characters or line breaks (remove them)",
        "line 16: j@example.org: name has control characters or line breaks (remove them)",
        "line 17: k@example.org: no consent (say on what basis we may write to this person)",
    ]
    assert (report.imported, report.kept) == (2, True)
    assert [one.address for one in store.subscribers.every()] == ["good@example.org", "last@example.org"]


def test_the_whole_list_or_nothing_when_asked(store: Store, places: Places) -> None:
    text = "address,consent\nada@example.org,contract\nbad,contract\n"
    report = load(store, places, text, whole=True)
    assert (report.imported, len(report.refused), report.kept) == (1, 1, False)
    assert list(store.subscribers.every()) == []
    assert load(store, places, text.replace("bad,contract\n", ""), whole=True).kept


def test_a_dry_run_reports_and_keeps_nothing(store: Store, places: Places) -> None:
    text = "address,consent\nada@example.org,contract\n"
    report = load(store, places, text, dry_run=True)
    assert (report.imported, report.kept) == (1, False)
    assert list(store.subscribers.every()) == []
    assert load(store, places, text).imported == 1


def test_who_left_or_is_suppressed_is_passed_over(store: Store, places: Places) -> None:
    text = "address,consent\nada@example.org,contract\nbo@example.org,contract\nci@example.org,contract\n"
    load(store, places, text)
    subscriptions.remove(store, "ada@example.org", NOW)
    store.subscribers.suppress("bo@example.org", "complaint", "", NOW)
    report = load(store, places, text, digests=("weekly", "monthly"), whole=True)
    assert [str(line) for line in report.passed_over] == [
        "line 2: ada@example.org: left weekly: only they themselves can come back",
        "line 3: bo@example.org: suppressed: nobody may write to this address",
    ]
    assert (report.kept, report.revived, report.imported) == (True, 0, 2)  # ada and ci get the monthly one
    assert [one.address for one in store.subscribers.audience("weekly")] == ["ci@example.org"]
    weekly = load(store, places, text)
    assert (weekly.imported, weekly.updated, weekly.unchanged, len(weekly.passed_over)) == (0, 0, 1, 2)
    assert [one.address for one in store.subscribers.audience("monthly")] == ["ada@example.org", "ci@example.org"]


def test_a_basis_may_be_given_for_the_whole_list(store: Store, places: Places) -> None:
    report = load(store, places, "address,consent\nada@example.org,\nbo@example.org,own\n", basis="membership")
    assert report.imported == 2
    consents = [one.consent.basis for one in store.subscribers.every() if one.consent]
    assert consents == ["import: membership", "import: own"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "is empty"),
        (b"\r\n\r\n", "is empty"),
        (b"ada@example.org,contract\n", "no column 'ada@example.org'"),
        (b"name,consent\nAda,contract\n", "no column 'address'"),
        (b"address,regoins\nada@example.org,CN\n", "no column 'regoins'"),
        (b"address,name,Address\n", "'address' is there twice"),
        (b"address;name;consent\nada@example.org;Ada;contract\n", "not separated by commas"),
        (b"address\tname\nada@example.org\tAda\n", "not separated by commas"),
        ("address,name,consent\nada@example.org,José,contract\n".encode("latin-1"), "is not UTF-8"),
        ("address,name,consent\nada@example.org,Ada,contract\n".encode("utf-16"), "is not UTF-8"),
        (b'address,consent\nada@example.org,contract\nbo@example.org,"open\n', "is not CSV"),
        (b'address,consent\nada@example.org,contract\n"a"b,contract\n', "is not CSV"),
        (b"address,consent\nada@example.org," + b"x" * 140_000 + b"\n", "is not CSV"),
    ],
)
def test_a_fault_of_the_list_itself_imports_nothing(store: Store, places: Places, text: bytes, reason: str) -> None:
    with pytest.raises(ListError, match=reason):
        load(store, places, text)
    assert list(store.subscribers.every()) == []


def test_a_list_may_have_a_byte_order_mark_and_any_line_ends(store: Store, places: Places, tmp_path: Path) -> None:
    for number, (mark, end) in enumerate([("\ufeff", "\r\n"), ("", "\n"), ("", "\r")]):
        path = tmp_path / f"{number}.csv"
        path.write_bytes(f"{mark} Address ,CONSENT{end}a{number}@example.org,contract{end}".encode())
        report = subscriptions.import_csv(store, path, places=places, themes=THEMES, digests=["weekly"], now=NOW)
        assert (report.imported, refusals(report)) == (1, [])
    [one] = store.subscribers.of("a0@example.org")
    assert one.consent is not None
    assert one.consent.origin == "0.csv:2"


def test_a_list_that_is_not_there_says_so(store: Store, places: Places, tmp_path: Path) -> None:
    with pytest.raises(ListError, match=r"no\.csv: cannot be read"):
        subscriptions.import_csv(store, tmp_path / "no.csv", places=places, themes=THEMES, digests=["weekly"], now=NOW)


def test_a_list_has_a_limit(store: Store, places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriptions.lists, "_LINE_LIMIT", 2)
    with pytest.raises(ListError, match="more than 2 lines"):
        load(store, places, "address,consent\na@example.org,x\nb@example.org,x\n")


def test_a_long_list_goes_in_by_chunks_and_is_one_transaction(
    store: Store, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriptions.lists, "_CHUNK", 3)
    lines = [f"r{number}@example.org,contract" for number in range(10)]
    with pytest.raises(ListError, match="is not CSV"):
        load(store, places, "\n".join(["address,consent", *lines, '"open']))
    assert list(store.subscribers.every()) == []
    assert load(store, places, "\n".join(["address,consent", *lines])).imported == 10


def test_what_is_exported_can_be_imported(store: Store, places: Places, tmp_path: Path) -> None:
    consent = Consent(at=NOW, basis="import: =contract")
    chosen = Preferences(regions=("CN-GD", "IL"), themes=("trade",), language="en", length=Length.HEADLINES)
    for address, name in (("+a@example.org", "=HYPERLINK(1)"), ("bo@example.org", '@Bo, "x"'), ("ci@example.org", "C")):
        subscriptions.add(store, address, ["weekly"], consent=consent, now=NOW, name=name, preferences=chosen)
    subscriptions.remove(store, "ci@example.org", NOW)
    out = io.StringIO(newline="")
    assert subscriptions.export_csv(store, out) == 2
    assert out.getvalue() == (
        "address,name,digests,regions,themes,language,length,consent\r\n"
        "'+a@example.org,'=HYPERLINK(1),weekly,CN-GD;IL,trade,en,headlines,'=contract\r\n"
        'bo@example.org,"\'@Bo, ""x""",weekly,CN-GD;IL,trade,en,headlines,\'=contract\r\n'
    )
    with Store.open(f"sqlite:///{tmp_path / 'other.db'}") as other:
        other.migrate(site="b", now=NOW)
        assert load(other, places, out.getvalue()).imported == 2
        again = io.StringIO(newline="")
        subscriptions.export_csv(other, again)
        assert again.getvalue() == out.getvalue()
    assert subscriptions.export_csv(store, io.StringIO(), states=[SubscriptionState.ENDED]) == 1
    assert subscriptions.export_csv(store, io.StringIO(), digest="monthly") == 0


def test_a_name_in_any_script_is_kept(store: Store, places: Places) -> None:
    load(store, places, "address,name,consent\na@example.org,王\u3000小明,x\nb@example.org,می\u200cخواهم,x\n")
    assert [one.name for one in store.subscribers.every()] == ["王 小明", "می\u200cخواهم"]


def test_the_sample_readers_can_be_imported(store: Store, places: Places) -> None:
    path = Path(__file__).parents[1] / "subscribers" / "sample-readers.csv"
    text = path.read_text(encoding="utf-8")
    columns = text.splitlines()[0].split(",")
    named = {
        value.strip()
        for line in text.splitlines()[1:]
        for value in dict(zip(columns, line.split(","), strict=False)).get("themes", "").split(";")
        if value.strip()
    }
    themes = {name: Theme(id=name, names={"en": name}) for name in named}
    report = load(store, places, path.read_bytes(), themes=themes)
    assert refusals(report) == []
    assert report.imported >= 5
