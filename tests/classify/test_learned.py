"""What was learned: forests as they ship, features that hold no text, and the rules underneath."""

from __future__ import annotations

import json
from importlib import resources

import pytest

from digest.classify import Judge, load_taxonomy, pairs, partners, salience
from digest.classify.forest import Forest
from digest.classify.neighbours import AMONG, Neighbours
from digest.classify.regions import CENTRAL, Regions
from digest.errors import ConfigError
from digest.model import Article, Judgement, Role
from digest.places import Places
from tests.classify.make import article

TREE = {"format": 1, "trained_on": "nothing", "features": ["a", "b"], "base": -1.0}


class TestForests:
    def test_leaves_add_up_to_the_logarithm_of_the_odds(self) -> None:
        forest = Forest({**TREE, "trees": [[0, 0.5, -1.0, [1, 2.0, 1.0, 3.0]], 0.0]}, ("a", "b"))
        assert forest.probability((0.5, 9.0)) == pytest.approx(0.1192, abs=1e-4)
        assert forest.probability((0.6, 2.0)) == 0.5
        assert forest.probability((0.6, 2.1)) == pytest.approx(0.8808, abs=1e-4)

    @pytest.mark.parametrize("change", [{"features": ["a"]}, {"features": ["b", "a"]}, {"format": 2}])
    def test_of_another_version_are_refused(self, change: dict[str, object]) -> None:
        with pytest.raises(ConfigError, match="reinstall"):
            Forest({**TREE, "trees": [], **change}, ("a", "b"))

    @pytest.mark.parametrize(("name", "features"), [
            ("salience", salience.FEATURES), ("pairs", pairs.FEATURES), ("told", partners.OF_TEXTS), ("partners", AMONG),
        ],
    )  # fmt: skip
    def test_that_ship_hold_numbers_only(self, name: str, features: tuple[str, ...]) -> None:
        text = resources.files("digest.classify").joinpath("weights", f"{name}.json").read_text("utf-8")
        assert len(text) < 150_000
        document = json.loads(text)
        assert set(document) == {"format", "trained_on", "features", "base", "trees"}
        assert document["trained_on"] == Forest.load(name, features).trained_on

        def numbers(node: object) -> bool:
            if not isinstance(node, list):
                return isinstance(node, int | float)
            return len(node) == 4 and isinstance(node[0], int) and all(map(numbers, node[1:]))

        assert all(map(numbers, document["trees"]))


class TestSalience:
    def test_a_row_for_each_country_and_each_that_cues_speak_for(self, judge: Judge) -> None:
        one = article("Peru sells copper to Chile", "Peru sold it. The Knesset was told.", dateline="LIMA")
        rows = judge.regions.features(one)
        assert set(rows) == {"PE", "CL", "IL"}
        assert {len(row) for row in rows.values()} == {len(salience.FEATURES)}
        named = dict(zip(salience.FEATURES, rows["PE"], strict=True))
        assert named["acts in the title"] == 1.0
        assert named["filed there"] == 1.0
        assert named["as an object in the title"] == 0.0
        chile = dict(zip(salience.FEATURES, rows["CL"], strict=True))
        assert chile["as an object in the title"] == 1.0
        assert chile["filed elsewhere"] == 1.0
        assert dict(zip(salience.FEATURES, rows["IL"], strict=True))["own cues"] > 0

    def test_a_list_of_countries_is_told_from_a_subject(self, judge: Judge) -> None:
        rows = judge.regions.features(article("Talks", "Envoys of Peru, Chile, Bolivia and Ecuador met in Peru."))
        chile = dict(zip(salience.FEATURES, rows["CL"], strict=True))
        assert chile["longest list"] == 3.0

    def test_institutions_speak_for_a_country_that_no_word_names(self, judge: Judge, places: Places) -> None:
        one = article(
            "Senate passes tax bill",
            "The Senate passed the bill by 52 votes. Republicans and Democrats in Congress argued for a day.",
        )
        (tag,) = judge.regions.judge(one)
        assert (tag.region, tag.role) == ("US", Role.PRIMARY)
        assert tag.score >= CENTRAL
        assert "Senate" in tag.evidence[0].text
        assert tag.evidence[0].rule == "money, company forms, institutions"
        assert Regions(places, learned=False).judge(one) == ()

    def test_money_alone_speaks_for_none(self, judge: Judge) -> None:
        assert judge.regions.judge(article("Prices", "It cost ten dollars and twenty cents, or 70 yuan.")) == ()

    def test_the_rules_stand_without_it(self, places: Places, judge: Judge, seeds: tuple[Article, ...]) -> None:
        plain = Judge(places, load_taxonomy(), learned=False)
        assert plain.version != judge.version
        firsts = [plain.judge(one).places(Role.PRIMARY) for one in seeds]
        assert firsts[0] == ("g1812545",)
        assert firsts[1] == ("CN-BJ",)


class TestSmallTowns:
    def test_that_go_together_speak_for_their_state(self, judge: Judge) -> None:
        found = judge.regions.judge(
            article(
                "Home hit by fire", "Crews from Cambridge, Byesville and Guernsey County fought the blaze in Cambridge."
            )
        )
        assert {tag.region for tag in found if tag.region.startswith("g")} <= {"g4505542", "g4508722", "g4506008"} | {
            tag.region for tag in found
        }
        assert "GB" not in {PLACES.country(tag.region) for tag in found}
        assert "US" in {PLACES.country(tag.region) for tag in found}

    def test_a_county_of_one_state_names_it(self, judge: Judge) -> None:
        (tag,) = judge.regions.judge(article("Arrests", "Deputies of Avoyelles Parish arrested fourteen people."))
        assert tag.region == "US-LA"
        assert tag.evidence[0].rule == "county of a state"

    def test_a_county_of_many_states_names_their_country(self, judge: Judge) -> None:
        (tag,) = judge.regions.judge(article("Arrests", "Deputies of Madison County arrested fourteen people."))
        assert tag.region == "US"

    def test_a_county_beside_its_state_names_it(self, judge: Judge) -> None:
        found = judge.regions.judge(
            article("Arrests", "Deputies of Madison County arrested fourteen people in Illinois.")
        )
        assert [tag.region for tag in found] == ["US-IL"]

    def test_a_town_of_another_state_is_not_believed(self, judge: Judge) -> None:
        found = judge.regions.judge(
            article("Ohio floods", "Ohio was wet. Jerome and Durango brought sandbags in Ohio.")
        )
        assert [tag.region for tag in found] == ["US-OH"]


class TestPairs:
    def test_features_do_not_depend_on_the_order(
        self, judged: tuple[tuple[Article, Judgement], ...], places: Places
    ) -> None:
        profiles = pairs.Profiles(judged, places).all
        found = pairs.candidates([profile.words for profile in profiles])
        around = Neighbours(found, len(profiles))
        for (one, other), cosine in list(found.items())[:40]:
            there = partners.row_of(profiles[one], profiles[other], (one, other), cosine, around)
            back = partners.row_of(profiles[other], profiles[one], (other, one), cosine, around)
            assert there == pytest.approx(back)
            assert len(there) == len(partners.OF_TEXTS) == len(partners.OF_TEXTS_SIGNS)

    def test_without_places_a_region_is_only_itself(self, judged: tuple[tuple[Article, Judgement], ...]) -> None:
        (profile,) = pairs.Profiles(judged[:1], None).all
        assert "CN-GD" not in profile.regions
        assert "g1812545" in profile.regions


PLACES = Places.load()
