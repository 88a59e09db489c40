"""What the report shows beside its stories: the chart, what mattered, most read, corrections; and how it stays short."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from lxml import html

from digest.model import Correction, Length, MostRead
from digest.render import Renderer
from digest.render.copies import LIMIT
from digest.render.edition import full_stop
from tests.render import factory


def parsed(text: str) -> Any:
    return html.document_fromstring(text)


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return factory.renderer()


def squares(row: Any) -> list[str]:
    colours = [re.search(r"background-color:(#\w+)", span.get("style") or "") for span in row.iter("span")]
    return [colour[1] for colour in colours if colour]


def test_a_square_is_a_story_and_its_colour_the_theme(renderer: Renderer) -> None:
    copy = renderer.copy(factory.small(), factory.reader())
    page = parsed(copy.html)
    (navigation,) = page.xpath('//div[@role="navigation"]')
    rows = {row.text_content().split("\xa0")[0].strip(): row for row in navigation.iter("tr")}
    assert {name: len(squares(row)) for name, row in rows.items()} == {"Guangdong": 3, "Israel": 3}
    legend = {
        re.sub(r"[\xa0\s]+", " ", span.text_content()).strip(): squares(span)[0]
        for span in navigation.xpath(".//p/span[span]")
    }
    assert set(legend) == {"Macro & Government 1", "Trade 2", "Technology 1", "Energy 1", "Finance 1"} - {
        "Technology 1"
    }
    assert squares(rows["Guangdong"]) == [legend["Macro & Government 1"], legend["Trade 2"], legend["Finance 1"]]
    assert not set(squares(rows["Israel"])) <= set(legend.values()), "a story without a theme has a colour of its own"
    assert not navigation.xpath(".//svg | .//img")


def test_colours_are_seen_on_white_and_on_dark() -> None:
    sheet = (factory.ROOT / "templates/email/weekly-report/style.css").read_text(encoding="utf-8")
    tones = re.findall(r"\.tone(\d+) \{ background-color: #([0-9a-f]{6}); \}", sheet)
    assert [int(number) for number, _ in tones] == list(range(21))
    assert len({colour for _, colour in tones}) == 21

    def luminance(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (0, 2, 4)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for _, colour in tones:  # WCAG 2.2, 1.4.11
        assert 1.05 / (luminance(colour) + 0.05) >= 3
        assert (luminance(colour) + 0.05) / (luminance("191d22") + 0.05) >= 3


def test_what_mattered_stands_first_in_both_parts(renderer: Renderer) -> None:
    copy = renderer.copy(factory.small(), factory.reader())
    page = parsed(copy.html)
    headings = [heading.text_content() for heading in page.iter("h1", "h2")]
    assert headings[:3] == ["South Gate Wire", "What mattered", "In this edition"]
    lede = next(p for p in page.iter("p") if "Dongguan opens" in p.text_content())
    said = lede.text_content()
    assert said.startswith("Dongguan opens a trade office in Tel Aviv. Exporters in Shenzhen book")
    assert said.endswith("。"), "a Chinese headline ends in Chinese"
    assert [span.get("lang") for span in lede.iter("span")] == ["en", "en", "zh"]
    assert all((link.get("href") or "").startswith("https://digest.example/editions/") for link in lede.iter("a"))
    assert (
        copy.text.index("WHAT MATTERED")
        < copy.text.index("* Dongguan opens a trade office")
        < copy.text.index("IN THIS")
    )


@pytest.mark.parametrize(
    ("title", "language", "stop"),
    [
        ("A", "en", ". "),
        ("A?", "en", " "),
        ("“A!”", "en", " "),
        ("甲", "zh", "。"),
        ("甲？", "zh-Hans", " "),
        ("甲", "ja", "。"),
    ],
)
def test_headlines_end_as_their_language_ends_them(title: str, language: str, stop: str) -> None:
    assert full_stop(title, language) == stop


def test_no_link_of_a_mail_leads_within_it(renderer: Renderer) -> None:
    edition = factory.small()
    for link in parsed(renderer.copy(edition, factory.reader()).html).iter("a"):
        assert not (link.get("href") or "").startswith("#"), "apps of Gmail and Yahoo do nothing on these"
    page = parsed(renderer.online(edition, "en"))
    ids = {element.get("id") for element in page.iter()}
    within = [link.get("href")[1:] for link in page.iter("a") if (link.get("href") or "").startswith("#")]
    assert within
    assert set(within) <= ids


def test_most_read_and_corrections_are_the_same_for_all(renderer: Renderer) -> None:
    edition = replace(
        factory.small(),
        most_read=(MostRead(story="ab12", title="The <b>office</b>", edition="weekly-2018-W28", period="2018-W28"),),
        corrections=(
            Correction(story="cd34", title="", text="It was June.", edition="weekly-2018-W27", period="2018-W27"),
        ),
    )
    for reader in (factory.reader(), factory.reader(length=Length.HEADLINES)):
        copy = renderer.copy(edition, reader)
        page = parsed(copy.html)
        assert [h.text_content() for h in page.iter("h2")][-2:] == ["Most read", "Corrections"]
        hrefs = [link.get("href") for link in page.iter("a")]
        for address in ("weekly-2018-W28.html#s-ab12", "weekly-2018-W27.html#s-cd34"):
            assert f"https://digest.example/editions/{address}" in hrefs
            assert address in copy.text
        assert "The <b>office</b> (2018-W28)" in copy.text
        assert "The &lt;b&gt;office&lt;/b&gt;" in copy.html
        assert "(untitled) (2018-W27)\n  It was June." in copy.text
    plain = renderer.copy(factory.small(), factory.reader())
    assert "Most read" not in plain.html
    assert "Corrections" not in plain.html


def test_a_copy_that_clients_would_clip_leaves_the_rest_to_the_web(renderer: Renderer) -> None:
    edition = factory.large(90)
    parts = renderer.parts(edition, language="en")
    reader = factory.reader()
    bodies = parts.bound(reader.online_url, reader.feed_url)
    left = bodies.trimmed(parts.everything)
    assert 0 < left < 90
    copy = renderer.copy(edition, reader)
    assert len(copy.html.encode()) <= LIMIT
    page = parsed(copy.html)
    lines = [link for link in page.iter("a") if "of this section on the web" in link.text_content()]
    assert sum(int(link.text_content().split()[0]) for link in lines) == left
    assert all("weekly-2018-W29.html#r-" in link.get("href") for link in lines)
    assert copy.text.count("of this section on the web:") == len(lines)
    assert copy.items == 90
    numbers = [int(td.text_content()) for td in page.xpath("//td[following-sibling::td[starts-with(@id, 's-')]]")]
    assert len(numbers) == 90 - left
    assert numbers == sorted(numbers)
    assert numbers[-1] > len(numbers), "numbers are those of the whole edition"
    assert "on the web" not in renderer.online(edition, "en")
    assert bodies.trimmed(parts.everything, full=False) == 0
    small = renderer.parts(factory.small(), language="en")
    assert small.bound(reader.online_url, reader.feed_url).trimmed(small.everything) == 0


def test_forty_stories_stay_under_the_goal(renderer: Renderer) -> None:
    for language in ("en", "zh-Hans"):
        assert len(renderer.copy(factory.large(), factory.reader(language=language)).html.encode()) <= 90_000
