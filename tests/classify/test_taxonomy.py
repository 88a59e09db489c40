"""The taxonomy file: what ships is sound; each fault in an operator's copy is told with its line and the remedy."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from digest.classify.taxonomy import Taxonomy, load_taxonomy, parse_taxonomy
from digest.errors import TaxonomyError

GOOD = """
[[theme]]
id = "trade"
names = { en = "Trade", zh-Hans = "贸易" }
description = "Goods across borders."
iptc = ["medtop:20000373"]
sections = ["Trade"]
[theme.phrases]
5 = ["trade war"]
"0.5" = ["export"]
-3 = ["trade mark"]

[[theme]]
id = "energy"
names = { en = "Energy" }
"""


@pytest.fixture(scope="module")
def shipped() -> Taxonomy:
    return load_taxonomy()


def test_a_good_file_becomes_themes() -> None:
    taxonomy = parse_taxonomy(GOOD)
    assert len(taxonomy) == 2
    trade, energy = taxonomy
    assert (trade.id, trade.iptc, trade.sections) == ("trade", ("medtop:20000373",), ("Trade",))
    assert trade.phrases == {"trade war": 5.0, "export": 0.5, "trade mark": -3.0}
    assert (energy.phrases, energy.description, energy.weight) == ({}, "", 1.0)


def test_a_theme_weighs_in_ranking_as_the_file_says(shipped: Taxonomy) -> None:
    taxonomy = parse_taxonomy(GOOD.replace('id = "energy"', 'id = "energy"\nweight = 2'))
    assert taxonomy.weights == {"trade": 1.0, "energy": 2.0}
    assert shipped.weights["sport"] < shipped.weights["culture"] < shipped.weights["finance"] == 1.0
    for wrong in ("0", "-1", "5.5", "true", '"2"', "nan"):
        with pytest.raises(TaxonomyError, match=r"is not usable.*1 is ordinary") as caught:
            parse_taxonomy(GOOD.replace('id = "energy"', f'id = "energy"\nweight = {wrong}'), "themes.toml")
        assert caught.value.line == 15


def test_names_are_shown_in_the_nearest_language() -> None:
    taxonomy = parse_taxonomy(GOOD)
    assert taxonomy.name("trade") == "Trade"
    assert taxonomy.name("trade", "zh-Hans") == "贸易"
    assert taxonomy.name("trade", "zh-CN") == "贸易"
    assert taxonomy.name("energy", "zh-Hans") == "Energy"
    assert taxonomy.name("unheard-of") == "unheard-of"
    assert parse_taxonomy('[[theme]]\nid = "a"\nnames = { fr = "Un" }').name("a", "de") == "Un"


def test_a_person_may_name_a_theme_by_id_or_name() -> None:
    taxonomy = parse_taxonomy(GOOD)
    for text in ("trade", " TRADE ", "贸易"):
        found = taxonomy.resolve(text)
        assert found is not None
        assert found.id == "trade"
    assert taxonomy.resolve("sport") is None
    assert taxonomy.find("energy") is not None
    assert taxonomy.find("sport") is None


def test_what_ships_covers_all_of_iptcs_top_level_and_speaks_both_languages(shipped: Taxonomy) -> None:
    assert len(shipped) >= 15
    for theme in shipped:
        assert set(theme.names) == {"en", "zh-Hans"}
        assert theme.description
        assert theme.iptc
        assert any("\u4e00" <= char <= "\u9fff" for phrase in theme.phrases for char in phrase), theme.id
        assert any(phrase.isascii() for phrase in theme.phrases), theme.id
    # Economy (04) is split over house themes, which name parts of it; the other sixteen stand whole.
    whole = {code for theme in shipped for code in theme.iptc if code.endswith("000000")}
    assert whole == {f"medtop:{number:02}000000" for number in range(1, 18)} - {"medtop:04000000"}
    assert {"macro", "trade", "technology", "finance", "energy", "agriculture", "transport", "metals"} <= {
        theme.id for theme in shipped
    }


def test_the_documentation_lists_every_theme_that_ships(shipped: Taxonomy) -> None:
    page = (Path(__file__).parents[2] / "docs" / "taxonomy.md").read_text("utf-8")
    assert re.findall(r"^\| `([a-z-]+)` \| ([^|]+) \|", page, re.MULTILINE) == [
        (theme.id, theme.names["en"]) for theme in shipped
    ]


FAULTS = {
    "not TOML": ('[[theme]]\nid = "a\n', 2, "not TOML"),
    "ends too soon": ('[[theme]]\nid = "a"\nsections = [', 3, "not TOML"),
    "empty": ("", None, "holds no theme"),
    "no list of themes": ('theme = "x"', None, "holds no theme"),
    "something else": ('title = "x"\n[[theme]]\nid = "a"\n', 1, "'title' is not known"),
    "unknown key": ('[[theme]]\nid = "a"\nnames = { en = "A" }\nphrase = []\n', 4, "'phrase' is not known"),
    "no id": ('[[theme]]\nnames = { en = "A" }\n', 1, "the id None"),
    "bad id": ('[[theme]]\nid = "Two Words"\nnames = { en = "A" }\n', 2, "the id 'Two Words'"),
    "id twice": (
        '[[theme]]\nid = "a"\nnames = { en = "A" }\n[[theme]]\nid = "a"\nnames = { en = "B" }\n',
        5,
        "used twice",
    ),
    "no names": ('[[theme]]\nid = "a"\n', 1, "no names"),
    "empty name": ('[[theme]]\nid = "a"\nnames = { en = " " }\n', 3, "the name in 'en' is empty"),
    "no language": ('[[theme]]\nid = "a"\nnames = { English = "A" }\n', 3, "'English' is no language"),
    "bad IPTC id": ('[[theme]]\nid = "a"\nnames = { en = "A" }\niptc = ["medtop:1"]\n', 4, "'medtop:1' is not usable"),
    "IPTC no list": ('[[theme]]\nid = "a"\nnames = { en = "A" }\niptc = "medtop:20000373"\n', 4, "is not a list"),
    "empty section": ('[[theme]]\nid = "a"\nnames = { en = "A" }\nsections = [""]\n', 4, "holds ''"),
    "description": ('[[theme]]\nid = "a"\nnames = { en = "A" }\ndescription = 3\n', 4, "not one line of text"),
    "phrases no table": ('[[theme]]\nid = "a"\nnames = { en = "A" }\nphrases = ["x"]\n', 4, "is not a table"),
    "bad weight": (
        '[[theme]]\nid = "a"\nnames = { en = "A" }\n[theme.phrases]\nmuch = ["x"]\n',
        5,
        "'much' is no weight",
    ),
    "weight 0": ('[[theme]]\nid = "a"\nnames = { en = "A" }\n[theme.phrases]\n0 = ["x"]\n', 5, "'0' is no weight"),
    "weight 11": ('[[theme]]\nid = "a"\nnames = { en = "A" }\n[theme.phrases]\n11 = ["x"]\n', 5, "from -10 to 10"),
    "not a number": (
        '[[theme]]\nid = "a"\nnames = { en = "A" }\n[theme.phrases]\nnan = ["x"]\n',
        5,
        "'nan' is no weight",
    ),
    "star inside": (
        '[[theme]]\nid = "a"\nnames = { en = "A" }\n[theme.phrases]\n1 = [\n  "y",\n  "a*b",\n]\n',
        7,
        "'a*b'",
    ),
    "no letters": ('[[theme]]\nid = "a"\nnames = { en = "A" }\n[theme.phrases]\n1 = ["–"]\n', 5, "'–' is not usable"),
    "two weights": (
        '[[theme]]\nid = "a"\nnames = { en = "A" }\n[theme.phrases]\n1 = ["x"]\n2 = ["x"]\n',
        6,
        "two weights",
    ),
    "in one line": ('theme = [{ id = "a" }]', None, "no names"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_told_with_its_line_and_remedy(fault: str) -> None:
    text, line, what = FAULTS[fault]
    with pytest.raises(TaxonomyError) as caught:
        parse_taxonomy(text, "mine.toml")
    assert caught.value.line == line
    assert caught.value.where == "mine.toml"
    assert what in str(caught.value)
    assert caught.value.remedy


def test_a_file_of_the_operators_is_read(tmp_path: Path) -> None:
    file = tmp_path / "themes.toml"
    file.write_text(GOOD, "utf-8")
    assert [theme.id for theme in load_taxonomy(file)] == ["trade", "energy"]


def test_a_file_that_is_missing_or_not_utf8_is_told(tmp_path: Path) -> None:
    with pytest.raises(TaxonomyError, match="cannot be read"):
        load_taxonomy(tmp_path / "missing.toml")
    file = tmp_path / "latin.toml"
    file.write_bytes('[[theme]]\nid = "caf\xe9"'.encode("latin-1"))
    with pytest.raises(TaxonomyError, match=r"latin.toml: is not UTF-8 \(byte 19\)"):
        load_taxonomy(file)
