"""One or two whole sentences that stand alone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.classify import summaries, wording
from digest.classify.summaries import LIMIT, summarise
from digest.errors import ConfigError
from digest.model import Article, Evidence, Judgement, RegionTag, Rights, Role, ThemeTag
from tests.classify.make import article

LEAD = "The town of Aldmere will build a bridge for cyclists over its river next spring."
SECOND = "It will be forty metres long and cost two million pounds."


def words(summary: tuple[str, ...]) -> int:
    return sum(len(sentence.split()) for sentence in summary)


def test_a_short_article_gives_its_first_two_sentences() -> None:
    text = article("Aldmere to build cycle bridge", f"{LEAD} {SECOND}", "A bus will run.")
    assert summarise(text) == (LEAD, SECOND)


def test_sentences_are_verbatim_whole_and_within_the_limit() -> None:
    long = "The bridge " + "and the river and the town and the cyclists " * 8 + "will meet."
    asked = "A cycle bridge is what families and shops on both banks have asked the council to build since 2009."
    one = article("Aldmere to build cycle bridge", f"{LEAD} {long}", asked)
    assert summarise(one) == (LEAD, asked)
    assert words(summarise(one)) <= LIMIT


def test_when_all_are_too_long_the_shortest_stands_alone() -> None:
    shorter = "Rain fell on " + "and on " * 60 + "in town."
    longer = "Snow fell on " + "and on " * 90 + "in town."
    assert summarise(article("Rain", longer, shorter)) == (shorter,)


@pytest.mark.parametrize(
    "leaning",
    [
        "He added that the bridge for cyclists in Aldmere would be built next spring.",
        "However, Aldmere will build the bridge for cyclists over its river next spring.",
        "According to him, Aldmere will build the bridge for cyclists next spring.",
        "Recognizing the need, Aldmere will build the bridge for cyclists next spring.",
        "“They will build the bridge for cyclists in Aldmere next spring,” a neighbour said.",
    ],
)
def test_a_sentence_that_leans_on_another_does_not_come_first(leaning: str) -> None:
    one = article(
        "Aldmere to build cycle bridge", "Rivers are wide here.", "Rain fell at noon.", leaning, "A dog barked all day."
    )
    assert summarise(one)[0] != leaning
    other = article(
        "阿尔德米尔建桥",
        "这里的河很宽。",
        "但是小镇明年春天要为骑行者建一座桥。",
        "小镇明年要建一座新的桥梁。",
        language="zh",
    )
    assert not summarise(other)[0].startswith("但是")


def test_a_bare_surname_or_company_is_not_thrown_at_the_reader() -> None:
    one = article(
        "Aldmere bridge for cyclists",
        "Winters are long in the valley and people there wait for the sun.",
        "Plans are with Ulla Marsh and a building firm.",
        "Some like the river as it is.",
        "Marsh wants the Aldmere bridge for cyclists to be built of oak by local hands.",
        "A new Aldmere bridge for cyclists will be built of oak by local hands, plans show.",
    )
    summary = summarise(one)
    assert not any(sentence.startswith("Marsh") for sentence in summary)
    assert any("plans show" in sentence for sentence in summary)


def test_a_pronoun_may_follow_the_sentence_that_it_leans_on_but_no_other() -> None:
    apart = article(
        "Aldmere to build cycle bridge",
        LEAD,
        "Voters in other towns along the river said no to such a thing when they were asked about it three summers ago"
        " in a poll that few took part in because of heavy rain and a football match that day, as many still recall.",
        "He wants the Aldmere cycle bridge to be built of oak by the joiners of the valley.",
    )
    assert summarise(apart) == (LEAD,)
    assert summarise(article("Aldmere to build cycle bridge", LEAD, apart.paragraphs[2])) == (LEAD, apart.paragraphs[2])


def test_furniture_the_headline_and_scraps_are_not_taken() -> None:
    one = article(
        "Aldmere to build cycle bridge",
        "Photo: A view of Aldmere.",
        "Aldmere to build cycle bridge.",
        "Yes, he did.",
        "Read more: Aldmere news",
        LEAD,
    )
    assert summarise(one) == (LEAD,)


def test_what_is_left_when_nothing_is_fit_to_print() -> None:
    assert summarise(article("Scraps", "aldmere, a bridge")) == ("aldmere, a bridge",)
    assert summarise(article("Nothing")) == ()


def test_a_question_or_a_quotation_yields_to_plain_news() -> None:
    one = article(
        "Aldmere bridge",
        "Will Aldmere build the bridge over its river?",
        "“A bridge at last in Aldmere,” they sang.",
        LEAD,
    )
    assert LEAD in summarise(one)
    assert "Will Aldmere build the bridge over its river?" not in summarise(one)


def test_what_puts_it_where_it_is_filed_counts() -> None:
    plain = "Ferries were late on the river again in the wet and windy month of June."
    place = "Ferries of Norburg were late again in the wet and windy month of June."
    one = article("Boats are late", "Boats are late, and nobody on the bank knows what to do.", plain, place)
    evidence = (Evidence(where="text", text="Norburg", rule="name"),)
    region = RegionTag(region="XX", role=Role.PRIMARY, score=1, evidence=evidence)
    theme = ThemeTag(theme="transport", score=1, evidence=(Evidence(where="text", text="ferries", rule="phrase"),))
    mentioned = RegionTag(region="YY", role=Role.MENTIONED, score=1, evidence=evidence)
    assert place in summarise(one, (region,), (theme,))
    assert place not in summarise(one, (mentioned,))


def test_the_teaser_stands_in_for_a_text_only() -> None:
    assert summarise(article("Bridge", teaser=LEAD)) == (LEAD,)
    assert summarise(article("Bridge", "A bus will run.", teaser=LEAD)) == ("A bus will run.",)


def test_a_text_that_never_names_its_he_is_not_summed_up() -> None:
    assert summarise(article("Bridge", SECOND, "He wants it to be built of oak by the joiners of the valley.")) == ()
    assert summarise(article("桥", "他希望这座桥由当地的木匠用橡木建造。", language="zh")) == ()


def test_a_sentence_further_down_stands_in_when_none_of_the_first_does() -> None:
    leaning = [f"He told the council about bridge number {number} at length." for number in range(20)]
    plain = "Aldmere will build a bridge of oak for cyclists."
    assert summarise(article("Bridge", *leaning, plain)) == (plain,)
    connected = [f"But the council said no to bridge number {number}." for number in range(3)]
    assert summarise(article("Bridge", *connected))[0] in connected, "a connective is a lesser fault than a he"


@pytest.mark.parametrize(
    "line",
    [
        "Ulla Marsh ulla@aldmere.example March 24 From the Aldmere Echo A bridge for cyclists is planned.",
        "PUBLISHED: 05:03, 1 May | UPDATED: 11:22, 1 May Aldmere will build a bridge for cyclists.",
        "By staying on this page about the Aldmere bridge for cyclists you accept our use of cookies.",
    ],
)
def test_furniture_that_ran_into_a_sentence_is_not_taken(line: str) -> None:
    assert summarise(article("Aldmere to build a bridge for cyclists", line, LEAD)) == (LEAD,)


def test_a_lost_quotation_mark_behind_a_full_stop_is_no_question() -> None:
    assert wording.blemish("Will Aldmere build it?") > 0 == wording.blemish("Aldmere will build it.?")


def test_the_weights_set_by_hand_choose_as_well() -> None:
    news = article("Aldmere to build cycle bridge", LEAD, "Rain fell at noon.", SECOND)
    assert summarise(news, learned=False)[0] == LEAD


def test_weights_of_another_version_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summaries, "FEATURES", ("another",))
    with pytest.raises(ConfigError, match="reinstall"):
        summaries._learned.__wrapped__()


def test_rights_to_the_headline_give_no_summary() -> None:
    assert summarise(article("Bridge", LEAD, teaser=LEAD, rights=Rights.HEADLINE)) == ()


def test_chinese_is_counted_in_characters() -> None:
    first = "小镇将在明年春天为骑行者建造一座四十米长的新桥，工程费用约为两百万元。"
    second = "居民表示，" + "他们已经等待这座桥很多年了，" * 8 + "现在终于可以放心了。"
    third = "骑行者从新桥经过，每天可以比现在节省半小时，学生上学的路也会更安全，小镇为此准备了两年。"
    summary = summarise(article("小镇建新桥", first + second + third, language="zh"))
    assert summary == (first, third)
    assert sum(map(len, summary)) <= 110


def test_every_sample_is_summed_up_within_the_rules(judged: tuple[tuple[Article, Judgement], ...]) -> None:
    for one, judgement in judged:
        text = "\n".join(one.paragraphs)
        assert 1 <= len(judgement.summary) <= 2, one.title
        assert all(sentence in text for sentence in judgement.summary), one.title
        assert (
            sum(
                len(sentence) if one.language.startswith("zh") else 2 * len(sentence.split())
                for sentence in judgement.summary
            )
            <= 110
        )
        assert not judgement.summary[0].startswith(("He ", "She ", "It ", "They ", "But ", "“", '"')), one.title


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(alphabet="abc AB.!?。中国“”\"' 1", max_size=120), max_size=6), st.text(max_size=30))
def test_any_text_can_be_summed_up(paragraphs: list[str], title: str) -> None:
    one = article(title, *paragraphs)
    summary = summarise(one)
    assert len(summary) <= 2
    assert all(any(sentence in paragraph for paragraph in paragraphs) for sentence in summary)


def test_a_lead_that_announces_a_list_goes_before_what_leans_on_the_list() -> None:
    lead = "The bourse in Aldmere has named five firms that may list on its new board:"
    text = article(
        "Bourse names five firms",
        lead,
        "- Wend Chips, which designs memory;",
        "The first of them could trade by July, brokers said.",
    )
    assert summarise(text) == (lead,)
    news = "Wend Chips, the largest firm on the new board of the bourse in Aldmere, will sell a tenth of its shares."
    assert summarise(article("Bourse names five firms", lead, "- Wend Chips;", news))[0] in {lead, news}


def test_a_text_without_an_end_costs_no_more_than_its_beginning() -> None:
    endless = "Mr. A. and the U.S. said so in No. 5 of it (" * 20_000
    assert summarise(article("Endless", f"{LEAD} {SECOND} {endless}")) == (LEAD, SECOND)
