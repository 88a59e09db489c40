"""One more article finds its story among those of the last days."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from digest.classify.kept import Kept
from digest.model import Article, Judgement
from tests.classify.make import article, judgement
from tests.classify.test_stories import BRIDGE, OTHER, PLACES, RETOLD

ZH = "阿尔德米尔小镇明年春天将为骑行者建造一座横跨文德河的大桥，市议会周一表示。大桥长四十米，造价两百万元，使用山谷森林的橡木。"


def told(one: Article) -> tuple[Article, Judgement]:
    return one, judgement(one, primary=("GB",))


def test_an_article_joins_the_story_that_was_told_before_it() -> None:
    kept = Kept(PLACES)
    first = article("Aldmere to build bridge for cyclists", *BRIDGE, publisher="One")
    assert kept.add(*told(first)) == first.uid
    other = article("Otters come to Norburg", *OTHER, hours=1)
    assert kept.add(*told(other)) == other.uid
    again = article("Cyclists get a bridge in Aldmere", *RETOLD, publisher="Two", hours=20)
    assert kept.add(*told(again)) == first.uid
    copy = article("A bridge", *BRIDGE[:3], hours=30)
    assert kept.add(*told(copy)) == first.uid
    assert len(kept) == 4


def test_what_was_known_before_is_joined() -> None:
    kept = Kept(PLACES)
    kept.keep(*told(article("Aldmere to build bridge for cyclists", *BRIDGE)), story="a story of yesterday")
    assert kept.add(*told(article("Cyclists get a bridge in Aldmere", *RETOLD, hours=20))) == "a story of yesterday"


def test_chinese_articles_and_articles_by_rules_alone() -> None:
    kept = Kept(PLACES, learned=False)
    first = article("阿尔德米尔将建骑行大桥", ZH, language="zh")
    copy = article("骑行大桥", ZH, language="zh", hours=2)
    assert [kept.add(*told(one)) for one in (first, copy)] == [first.uid] * 2


def test_what_is_too_old_is_forgotten() -> None:
    kept = Kept(PLACES, window=timedelta(hours=10))
    first = article("Bridge for Aldmere", *BRIDGE)
    kept.add(*told(first))
    late = article("Otters come to Norburg", *OTHER, hours=21)
    kept.add(*told(late))
    assert len(kept) == 1
    copy = article("The bridge", *BRIDGE, hours=22)
    assert kept.add(*told(copy)) == copy.uid


def test_what_is_kept_is_bounded_and_an_article_is_not_its_own_neighbour() -> None:
    kept = Kept(PLACES, most=3)
    one = article("Bridge for Aldmere", *BRIDGE)
    for number in range(20):
        kept.add(*told(replace(article(f"Word{number} number{number}", f"Text{number} of{number}."), id=str(number))))
    assert len(kept) == 3
    assert kept.add(*told(one)) == kept.add(*told(one)) == one.uid
    assert kept.add(*told(article("", ""))) == article("", "").uid
