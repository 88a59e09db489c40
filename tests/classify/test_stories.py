"""What tells one story: copies, near copies, the same news in other words - and what does not."""

from __future__ import annotations

import random

import pytest

from digest.classify import cluster
from digest.classify.regions import Regions
from digest.model import Article, Judgement, Rights, Story
from digest.places import Places
from tests.classify.make import article, judgement

BRIDGE = (
    "The town of Aldmere will build a bridge for cyclists over the river Wend next spring, the council said on Monday.",
    "It will be forty metres long, cost two million pounds and be made of oak from the forests of the valley.",
    "Cyclists have asked for it since 2009, when a ferry that carried them to the station was given up.",
    "Work starts in March and should be finished before the schools open again in September.",
)
RETOLD = (
    "Aldmere's council has decided on a cyclists' bridge across the Wend, to be finished by September next year.",
    "Oak from the valley's forests will carry riders to the station, which they could reach by ferry until 2009.",
    "The council expects to pay two million pounds for the forty metres; builders begin in March.",
)
OTHER = (
    "Norburg's zoo has bought two young otters from a breeder on the coast to please its youngest visitors.",
    "They swim in a basin that was dug last winter and eat trout twice a day, a keeper said.",
    "The otters replace a seal that died of old age.",
)


def told(one: Article, *regions: str) -> tuple[Article, Judgement]:
    return one, judgement(one, primary=regions or ("GB",))


def titles(stories: tuple[Story, ...]) -> list[list[str]]:
    return [[one.title for one in story.articles] for story in stories]


def test_the_same_text_under_other_headlines_is_one_story() -> None:
    stories = cluster([
        told(article("Bridge for Aldmere", *BRIDGE)),
        told(article("A new bridge", *(part.upper() for part in BRIDGE), hours=500)),
    ])  # fmt: skip
    assert titles(stories) == [["Bridge for Aldmere", "A new bridge"]]


def test_a_copy_cut_short_joins_the_full_text_which_leads() -> None:
    short = told(article("Bridge", BRIDGE[0], BRIDGE[1][:60], hours=-2))
    full = told(article("Bridge for Aldmere", *BRIDGE))
    (story,) = cluster([short, full])
    assert story.lead is full[0]
    assert story.also == (short[0],)
    assert story.key == short[0].uid
    assert story.judgement is full[1]


def test_a_round_up_that_quotes_a_story_is_not_that_story() -> None:
    roundup = told(
        article(
            "Our valley", *OTHER * 6, *[f"{line} So it was in {n}." for n, line in enumerate(OTHER * 4)], *BRIDGE[:2]
        )
    )
    assert len(cluster([told(article("Bridge for Aldmere", *BRIDGE[:2])), roundup])) == 2


def test_the_same_news_in_other_words_is_one_story() -> None:
    stories = cluster([
        told(article("Aldmere to build bridge for cyclists", *BRIDGE, publisher="One")),
        told(article("Cyclists get a bridge in Aldmere", *RETOLD, publisher="Two", hours=20)),
        told(article("Otters come to Norburg", *OTHER)),
    ])  # fmt: skip
    assert sorted(titles(stories)) == [
        ["Aldmere to build bridge for cyclists", "Cyclists get a bridge in Aldmere"],
        ["Otters come to Norburg"],
    ]


@pytest.mark.parametrize("hours", [73, 500])
def test_but_not_when_days_lie_between(hours: int) -> None:
    first = told(article("Aldmere to build bridge for cyclists", *BRIDGE))
    assert len(cluster([first, told(article("Cyclists get a bridge in Aldmere", *RETOLD, hours=hours))])) == 2
    assert len(cluster([first, told(article("Cyclists get a bridge in Aldmere", *RETOLD, hours=72))])) == 1


def test_nor_when_they_are_alike_in_form_only() -> None:
    form = (
        "The board met on {}. Net profit rose to {} from {} million pounds; the dividend of ten pence is paid in May."
    )
    results = [
        told(article(f"{name} doubles dividend", form.format(day, number, number - 3)))
        for name, day, number in (("Kestrel", "Monday", 22), ("Gannet", "Tuesday", 44), ("Plover", "Friday", 31))
    ]
    assert len(cluster(results)) == 3


def test_articles_about_different_places_must_be_more_alike() -> None:
    one = article("Aldmere to build bridge for cyclists", *BRIDGE)
    other = article("Cyclists get a bridge in Aldmere", *RETOLD[:1], *OTHER[:1])
    fair = told(article("Baker opens shop", "A baker opened a shop in Norburg.", "Bread is sold."))
    assert len(cluster([told(one), told(other), fair], learned=False)) == 2
    assert len(cluster([told(one, "GB"), told(other, "CN"), fair], learned=False)) == 3


def test_a_headline_must_speak_of_what_the_other_tells() -> None:
    bare = article("Otters and trout", *RETOLD)
    other = article("A keeper's long night", *BRIDGE)
    assert len(cluster([told(bare), told(other)])) == 2


def test_headlines_alone_join_only_when_they_say_the_same() -> None:
    titles = ["Aldmere builds bridge for cyclists", "Aldmere builds a cyclists' bridge", "Aldmere's otters win"]
    alone = [told(article(title, id=str(n))) for n, title in enumerate(titles)]
    assert len(cluster(alone)) == 2
    assert len(cluster(alone, learned=False)) == 3  # the rules never do
    same = [told(article("Aldmere builds bridge", id=str(n))) for n in range(2)]
    assert len(cluster(same)) == 1


def test_a_placeholder_is_no_text() -> None:
    empty = [
        told(article(title, "Full text to follow.")) for title in ("Bridge planned", "Otters arrive", "Snow falls")
    ]
    assert len(cluster(empty)) == 3


@pytest.mark.parametrize("column", ["Morning brief", "Aldmere weather forecast", "Markets wrap", "一周要闻"])
def test_recurring_columns_join_only_their_copies(column: str) -> None:
    first = told(article(f"{column} of the bridge for cyclists", *BRIDGE))
    second = told(article("Bridge for cyclists in Aldmere", *RETOLD, hours=3))
    copy = told(article(f"{column}: bridge", *BRIDGE, hours=4))
    assert sorted(map(len, titles(cluster([first, second, copy])))) == [1, 2]


def test_a_headline_that_a_publisher_uses_again_is_a_column_an_update_is_not() -> None:
    again = [
        told(article("Bridge news from Aldmere 17", *BRIDGE, publisher="One")),
        told(article("Bridge news from Aldmere 18", *RETOLD, publisher="One", hours=24)),
    ]
    assert len(cluster(again)) == 2
    update = [
        told(article("Bridge news from Aldmere", *BRIDGE, publisher="One")),
        told(article("UPDATE 2-Bridge news from Aldmere", *RETOLD, publisher="One", hours=24)),
    ]
    assert len(cluster(update)) == 1


def test_a_chain_of_likenesses_is_not_one_story() -> None:
    # Each article carries half of the one before; the ends have nothing in common.
    rng = random.Random(5)
    sentences = [" ".join(rng.choice("bcdfgklmprst") + rng.choice("aeiou") + rng.choice("lmnrst") * 2 + rng.choice("aeiou") + rng.choice("bdgkpt") for _ in range(14)) + "." for _ in range(24)]  # fmt: skip
    chain = [told(article(sentences[n * 2][:30], *sentences[n * 2 : n * 2 + 6], hours=n)) for n in range(9)]
    stories = cluster(chain)
    assert len(stories) >= 3
    assert max(len(story.articles) for story in stories) <= 4


def test_who_leads() -> None:
    weighty = article("Bridge for Aldmere", *BRIDGE[:3], hours=5, weight=2.0)
    early = article("A bridge", *BRIDGE, hours=1)
    headline = article("The bridge", *BRIDGE, hours=0, rights=Rights.HEADLINE)
    (story,) = cluster([told(headline), told(early), told(weighty)])
    assert [one.title for one in story.articles] == ["Bridge for Aldmere", "The bridge", "A bridge"]
    assert story.key == headline.uid


def test_a_boilerplate_in_many_articles_makes_no_copies() -> None:
    rng = random.Random(3)
    advert = "Subscribe to the gazette of the valley today and read every week what happens between hills and sea."
    own = ["".join(rng.choice("abcdefghiklmnoprstuw") for _ in range(7)) for _ in range(15 * 30)]
    many = [
        told(article(" ".join(own[n : n + 5]), advert, " ".join(own[n : n + 30]) + ".")) for n in range(0, len(own), 30)
    ]
    assert len(cluster(many)) == len(many)


def test_chinese_articles_are_compared_too() -> None:
    first = "阿尔德米尔小镇明年春天将为骑行者建造一座横跨文德河的大桥，市议会周一表示。大桥长四十米，造价两百万元，使用山谷森林的橡木。"
    second = "文德河上将出现一座供骑行者使用的大桥。阿尔德米尔市议会决定明年春天开工，橡木大桥长四十米，造价两百万元。"
    third = "诺堡动物园从海边的饲养员那里购买了两只年轻的水獭，水獭每天吃两次鳟鱼，在去年冬天挖的水池里游泳。"
    stories = cluster([
        told(article("阿尔德米尔将建骑行大桥", first, language="zh")),
        told(article("骑行者大桥明年在阿尔德米尔开工", second, language="zh")),
        told(article("诺堡来了水獭", third, language="zh")),
    ])  # fmt: skip
    assert sorted(map(len, titles(stories))) == [1, 2]


def test_the_order_of_the_input_does_not_matter(judged: tuple[tuple[Article, Judgement], ...]) -> None:
    expected = cluster(judged)
    for seed in range(3):
        shuffled = list(judged)
        random.Random(seed).shuffle(shuffled)
        assert cluster(shuffled) == expected
    assert cluster(reversed(judged)) == expected


def test_of_the_samples_exactly_the_two_pairs_are_one_story(judged: tuple[tuple[Article, Judgement], ...]) -> None:
    stories = cluster(judged)
    assert len(stories) == len(judged) - 2
    pairs = [{one.publisher for one in story.articles} for story in stories if story.also]
    assert pairs == [{"Sample Wire", "Sample Business Daily"}] * 2
    leads = sorted(story.lead.title for story in stories if story.also)
    assert ["Chongqing" in leads[0], "Shenzhen" in leads[1]] == [True, True]


def test_nothing_comes_of_nothing() -> None:
    assert cluster([]) == ()


def test_a_thousand_articles_are_clustered_in_seconds() -> None:
    rng = random.Random(7)
    words = ["".join(rng.choice("abcdefghijklmnoprstuvw") for _ in range(rng.randint(4, 9))) for _ in range(6000)]
    weights = [1 / (1 + n) for n in range(len(words))]
    batch = [
        told(
            article(
                " ".join(rng.choices(words, k=8)), " ".join(rng.choices(words, weights, k=200)), id=str(n), hours=n / 20
            )
        )
        for n in range(1000)
    ]
    assert len(cluster(batch)) > 950


PLACES = Places.load()
REGIONS = Regions(PLACES)


def judged(one: Article) -> tuple[Article, Judgement]:
    return one, Judgement(article=one.uid, regions=REGIONS.judge(one), themes=(), summary=())


def test_a_place_and_a_word_make_no_story() -> None:
    shop = article(
        "Apple opens store in Chengdu", "Apple opened its third store in Chengdu on Friday with a queue of 600."
    )
    farm = article(
        "Apple growers in Chengdu fear hail", "Apple growers near Chengdu fear hail after a week of storms.", hours=3
    )
    assert len(cluster([judged(shop), judged(farm)], places=PLACES)) == 2


def test_the_words_of_all_chinese_news_make_no_story() -> None:
    plant = article(
        "深圳一企业宣布在越南建厂",
        "深圳光明电子19日宣布，将在越南北江投资十二亿元建厂，明年六月投产，年产两百万台。",
        language="zh",
    )
    again = article(
        "光明电子投资十二亿元在越南北江设厂",
        "光明电子今日公告，拟在越南北江投资十二亿元设厂，项目预计明年六月投产，可年产两百万台。",
        language="zh",
    )
    jobs = article(
        "深圳一企业宣布裁员三百人", "深圳东风玩具19日宣布，因订单减少裁员三百人，厂房将出租。", language="zh"
    )
    assert sorted(map(len, titles(cluster(map(judged, (plant, again, jobs)), places=PLACES)))) == [1, 2]


def test_a_city_and_the_country_around_it_are_near_enough() -> None:
    first = article(
        "Suzhou lift maker buys Turin rival",
        "A maker of lifts in Suzhou has bought Ascensori Po of Turin for 90 million euros. Ascensori Po employs 800 people.",
    )
    second = article(
        "Italy's Ascensori Po sold to Chinese group for 90 mln euros",
        "Ascensori Po, a lift maker in Turin with 800 workers, has been sold to a Suzhou group for 90 million euros.",
        hours=8,
    )
    assert len(cluster([judged(first), judged(second)], places=PLACES)) == 1
    assert len(cluster([judged(first), judged(second)], places=PLACES, learned=False)) == 1
    assert len(cluster([judged(first), judged(second)], learned=False)) == 2  # nobody says that Suzhou lies in China
