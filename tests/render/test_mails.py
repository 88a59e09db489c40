"""The single mails outside editions: each in both parts, in every language, safe whatever they are given."""

from __future__ import annotations

import re
from typing import Any

import pytest
from lxml import html

from digest.render import Renderer, samples
from digest.render.check import Level, examine
from tests.render import factory

NAMES = tuple(samples.notices())
OPERATORS = {"alarm"}  # to the desk, in English


def parsed(text: str) -> Any:
    return html.document_fromstring(text)


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return factory.renderer()


def test_there_is_a_sample_for_every_mail() -> None:
    folders = {path.parent.name for path in (factory.ROOT / "templates" / "email").glob("*/subject.txt")}
    assert folders == {*NAMES, "weekly-report"}


@pytest.mark.parametrize("language", ["en", "zh-Hans"])
@pytest.mark.parametrize("name", NAMES)
def test_a_mail_is_whole(renderer: Renderer, name: str, language: str) -> None:
    copy = renderer.mail(name, samples.notices()[name], language)
    assert [one for one in examine(copy, name) if one.level is not Level.NOTE] == []
    page = parsed(copy.html)
    assert page.get("lang") == copy.language == language
    assert len(copy.html.encode()) < 12_000
    words = " ".join(page.text_content().split())
    for text in (words, copy.text):
        assert "South Gate Wire" in text
        assert "12 Harbour Road" in text, "the postal address"
    (preheader,) = page.xpath('//div[contains(@style, "display:none")]')
    assert (preheader.text or "").strip()
    assert all(len(line) < 500 for line in copy.text.splitlines())
    said = set(re.findall(r"https://digest\.example/\S*", copy.text))
    linked = {link.get("href") for link in page.iter("a")} - {"mailto:desk@digest.example"}
    assert said >= {one for one in linked if one}, "a link stands in both parts"


@pytest.mark.parametrize("name", [name for name in NAMES if name not in {*OPERATORS, "notice"}])
def test_a_mail_speaks_its_reader_s_language(renderer: Renderer, name: str) -> None:
    english, chinese = (renderer.mail(name, samples.notices()[name], tag) for tag in ("en", "zh-Hans"))
    assert chinese.subject != english.subject
    title = parsed(chinese.html).find(".//h1")
    assert title is not None
    assert name == "proof" or re.search("[\u4e00-\u9fff]", title.text_content())
    sentences = [line for line in english.text.splitlines() if len(line) > 30 and "http" not in line]
    left = [line for line in sentences if line in chinese.text]
    assert all(re.search("Harbour|form was|Gmail|digest approve|Haifa", line) for line in left), left


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("hostile", [text for text in samples.HOSTILE if text][:4])
def test_nothing_that_a_mail_is_given_runs(renderer: Renderer, name: str, hostile: str) -> None:
    def poisoned(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: poisoned(one) for key, one in value.items()}
        if isinstance(value, list):
            return [poisoned(one) for one in value]
        return f"{value} {hostile}" if isinstance(value, str) and not value.startswith("http") else value

    copy = renderer.mail(name, poisoned(samples.notices()[name]), "en")
    page = parsed(copy.html)
    assert not list(page.iter("script", "img", "iframe", "form"))
    assert not [key for element in page.iter() for key in element.keys() if key.startswith("on")]  # noqa: SIM118 - lxml
    assert "\n" not in copy.subject


@pytest.mark.parametrize("link", ["javascript:alert(1)", "https://user@evil.example/", "data:text/html,x", ""])
def test_a_link_that_is_none_leads_nowhere(renderer: Renderer, link: str) -> None:
    copy = renderer.mail("confirm", {**samples.notices()["confirm"], "link": link}, "en")
    hrefs = {one.get("href") for one in parsed(copy.html).iter("a")}
    assert hrefs == {"", "mailto:desk@digest.example"}


def test_a_proof_says_what_is_wrong_and_needs_no_console(renderer: Renderer) -> None:
    given = {**samples.notices()["proof"], "problems": [], "approve": ""}
    copy = renderer.mail("proof", given, "en")
    assert "digest approve weekly-2018-W29 --hash 0123456789ab" in copy.text
    assert "desk@" in copy.html
    assert "Approve or change" not in copy.text + copy.html
    assert "Gmail" in renderer.mail("proof", samples.notices()["proof"], "en").text
