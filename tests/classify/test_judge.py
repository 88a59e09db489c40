"""The whole room on the articles of `seeds/`: where each belongs."""

from __future__ import annotations

import pytest

from digest.classify import Judge, load_taxonomy
from digest.classify.regions import CENTRAL
from digest.classify.taxonomy import parse_taxonomy
from digest.model import Article, Grouping, Judgement, Role
from digest.places import Places

# A part of the headline -> the region that its primary region is or lies in, and its first theme.
EXPECTED = {
    "A small city in southern China": ("CN-GD", "technology"),
    "liaison office in Israel": ("CN-BJ", "technology"),
    "container line to Vietnam": ("CN-GD", "transport"),
    "starts driverless bus trial": ("CN-GD", "technology"),
    "Driverless buses take passengers": ("CN-GD", "technology"),
    "Dongguan toy makers": ("CN-GD", "trade"),
    "first green bond": ("HK", "finance"),
    "lantern makers": ("MO", "culture"),
    "small firms register": ("CN-BJ", "macro"),
    "Yiwu traders": ("CN-ZJ", "transport"),
    "to build battery plant in Chongqing": ("", "industry"),
    "battery recycling plant": ("CN-CQ", "industry"),
    "Sichuan river stations": ("CN-SC", "energy"),
    "Xinjiang melon": ("CN-XJ", "agriculture"),
    "listens for leaks": ("IL", "technology"),
    "vineyards in Ningxia": ("", "agriculture"),
    "link QR payments": ("SG", "finance"),
    "durian growers": ("MY", "agriculture"),
    "Mekong ministers": ("VN", "politics"),
    "runs on hydrogen": ("JP", "energy"),
    "river regatta": ("KR", "sport"),
    "offshore wind farms": ("GB", "energy"),
    "Ohio soybean": ("US", "agriculture"),
    "Kenyan flower": ("KE", "energy"),
    "returned gadgets": (None, "technology"),
    "共享科研设备": ("x-gba", "technology"),
    "夜间远程门诊": ("CN-GD", "health"),
    "上海自贸区": ("CN-SH", "trade"),
    "租赁住房": ("CN-HI", "property"),
}
PAIRS = {
    "A small city in southern China": {"CN", "IL"},
    "liaison office in Israel": {"CN", "IL"},
    "to build battery plant in Chongqing": {"CN", "DE"},
    "battery recycling plant": {"CN", "DE"},
    "vineyards in Ningxia": {"CN", "IL"},
    "container line to Vietnam": {"CN", "VN"},
    "Ohio soybean": {"CN", "US"},
}
Judged = tuple[tuple[Article, Judgement], ...]


def find(judged: Judged, part: str) -> Judgement:
    (found,) = (judgement for article, judgement in judged if part in article.title)
    return found


def test_every_seed_is_expected(judged: Judged) -> None:
    assert len(judged) == len(EXPECTED)


@pytest.mark.parametrize("part", EXPECTED)
def test_seeds_and_samples_are_filed_where_they_belong(judged: Judged, places: Places, part: str) -> None:
    judgement = find(judged, part)
    region, theme = EXPECTED[part]
    primary = judgement.places(Role.PRIMARY)
    if region is None:
        assert judgement.regions == ()
    else:
        assert primary
        assert not region or places.within(primary[0], region)
    assert judgement.themes[0].theme == theme
    assert judgement.summary
    assert all(tag.evidence for tag in judgement.regions)
    assert all(tag.evidence for tag in judgement.themes)


@pytest.mark.parametrize("part", PAIRS)
def test_stories_between_two_countries_name_both(judged: Judged, places: Places, part: str) -> None:
    codes = find(judged, part).places(Role.PRIMARY, Role.COUNTERPART)
    assert {places.country(code) for code in codes} == PAIRS[part]


def test_the_publishers_section_line_is_a_theme_of_the_seed(judged: Judged) -> None:
    themes = [tag.theme for tag in find(judged, "A small city in southern China").themes]
    assert themes == ["technology", "trade", "macro"]  # filed under "Macro · Govt"
    assert "trade" in [tag.theme for tag in find(judged, "Ohio soybean").themes]


def test_the_version_changes_with_what_is_known(judge: Judge, places: Places) -> None:
    assert Judge(places, load_taxonomy()).version == judge.version
    other = parse_taxonomy('[[theme]]\nid = "a"\nnames = { en = "A" }')
    assert Judge(places, other).version != judge.version
    grouping = Grouping(code="x-delta", names={"en": "Delta"}, members=("HK", "MO"))
    assert Judge(Places.load([grouping]), load_taxonomy()).version != judge.version


@pytest.mark.parametrize("part", ["A small city in southern China", "liaison office in Israel"])
def test_the_seeds_are_about_china_and_israel_and_nothing_else(judged: Judged, places: Places, part: str) -> None:
    regions = find(judged, part).regions
    assert {places.country(tag.region) for tag in regions if tag.score >= CENTRAL} == {"CN", "IL"}
