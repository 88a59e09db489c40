"""`digest demo`: what a newcomer sees first. Two runs in one folder; the second changes nothing."""

from __future__ import annotations

import email
import email.policy
import hashlib
import json
import shutil
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import feedparser
import pytest
from lxml import html
from rich.console import Console

from digest.demo import demonstrate
from tests.publish.rules import check_json, fits_schema
from tests.publish.validator import complaints

ROOT = Path(__file__).parent.parent


@dataclass
class Shown:
    state: Path
    well: bool
    first: dict[str, str]
    second: dict[str, str]
    again: bool
    told: str


def _hashes(state: Path) -> dict[str, str]:
    return {
        path.relative_to(state).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for part in ("feeds", "editions", "mail")
        for path in (state / part).rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    folder = tmp_path_factory.mktemp("publication")
    shutil.copy(ROOT / "digest.toml", folder)
    for name in ("seeds", "subscribers"):
        shutil.copytree(ROOT / name, folder / name)
    with (folder / "told.txt").open("w", encoding="utf-8") as told:
        console = Console(file=told, width=160)
        well = demonstrate(folder, "var/demo", console)
        first = _hashes(folder / "var/demo")
        again = demonstrate(folder, "var/demo", console)
    return Shown(
        folder / "var/demo",
        well,
        first,
        _hashes(folder / "var/demo"),
        again,
        (folder / "told.txt").read_text(encoding="utf-8"),
    )


@pytest.fixture(scope="module")
def mails(shown: Shown) -> list[EmailMessage]:
    return [
        email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        for path in sorted((shown.state / "mail" / "new").iterdir())
    ]


def test_both_runs_come_out_well(shown: Shown) -> None:
    assert shown.well, shown.told
    assert shown.again, shown.told
    assert "var/demo/index.html" in shown.told


def test_the_second_run_sends_nothing_and_changes_no_byte(shown: Shown) -> None:
    assert shown.second == shown.first


def test_both_weeks_are_composed_and_the_later_links_back(shown: Shown) -> None:
    april = (shown.state / "editions" / "weekly-2018-W15.html").read_text(encoding="utf-8")
    july = (shown.state / "editions" / "weekly-2018-W29.html").read_text(encoding="utf-8")
    assert "liaison office" in april
    links = [link for link in html.fromstring(july).iter("a") if "weekly-2018-W15" in str(link.get("href"))]
    assert links, "the story of July links back to that of April"
    anchor = str(links[0].get("href")).partition("#")[2]
    assert anchor in {str(one.get("id")) for one in html.fromstring(april).iter()}, "and the link leads to its place"


def test_copies_differ_by_what_their_readers_chose(shown: Shown, mails: list[EmailMessage]) -> None:
    july = [mail for mail in mails if "July" in str(mail["Subject"]) or "7月" in str(mail["Subject"])]
    readers = {str(mail["To"]) for mail in july}
    assert len(readers) >= 5
    bodies = set()
    for mail in july:
        body = mail.get_body(("plain",))
        assert body is not None
        bodies.add(body.get_content().split("sample-readers")[0][:3000])
    assert len(bodies) >= 5


def test_each_mail_is_whole(mails: list[EmailMessage]) -> None:
    for mail in mails:
        assert mail.get_content_type() == "multipart/alternative"
        assert not mail.defects
        assert str(mail["List-Unsubscribe"]).startswith("<https://weekly.example.com/unsubscribe/")
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert "<weekly.weekly.example.com>" in str(mail["List-Id"])
        plain, rich = mail.get_body(("plain",)), mail.get_body(("html",))
        assert plain is not None
        assert rich is not None
        assert "1 Harbour Road" in plain.get_content()
        assert "1 Harbour Road" in rich.get_content()
        assert len(rich.get_content().encode()) < 90_000
    assert len({str(mail["Message-ID"]) for mail in mails}) == len(mails)


def test_a_chinese_reader_is_addressed_in_chinese(mails: list[EmailMessage]) -> None:
    chinese = [mail for mail in mails if mail["Content-Language"] == "zh-Hans"]
    assert chinese
    body = chinese[0].get_body(("plain",))
    assert body is not None
    assert "退订" in body.get_content()


@pytest.mark.parametrize("name", ["feeds/atom.xml", "feeds/rss.xml", "feeds/editions/atom.xml"])
def test_feeds_are_read_by_a_feed_reader(shown: Shown, name: str) -> None:
    found = feedparser.parse((shown.state / name).read_bytes())
    assert not found.bozo
    assert len(found.entries) >= 2
    assert len({entry.id for entry in found.entries}) == len(found.entries)


def test_the_validator_finds_nothing_in_any_feed(shown: Shown) -> None:
    base = json.loads((shown.state / "feeds/feed.json").read_bytes())["feed_url"].removesuffix("/feeds/feed.json")
    documents = [
        path for path in (shown.state / "feeds").rglob("*") if path.name in {"atom.xml", "rss.xml", "feed.json"}
    ]
    assert len(documents) > 100
    for path in documents:
        content, url = path.read_bytes(), f"{base}/{path.relative_to(shown.state).as_posix()}"
        if path.name == "feed.json":
            check_json(content, url, len(json.loads(content)["items"]))
        else:
            assert complaints(content, url) == [], url
            assert path.name == "rss.xml" or fits_schema(content), url


def test_the_page_shows_it_all(shown: Shown, mails: list[EmailMessage]) -> None:
    text = (shown.state / "index.html").read_text(encoding="utf-8")
    page = html.fromstring(text)
    frames = list(page.iter("iframe"))
    assert len(frames) == 2 * len(mails)
    for frame in frames:
        assert (shown.state / str(frame.get("src"))).exists()
        assert frame.get("sandbox") is not None
    local = [str(link.get("href")) for link in page.iter("a")]
    local = [link for link in local if not link.startswith(("#", "http", "mailto"))]
    assert local
    for link in local:
        assert (shown.state / link.partition("#")[0]).exists(), link
    for word in ("Dongguan", "accepted", "primary"):
        assert word in text
