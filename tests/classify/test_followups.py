"""Links from a story to the earlier ones that it follows up."""

from __future__ import annotations

from datetime import timedelta

from digest.classify import cluster, related
from digest.model import Article, Judgement
from digest.places import Places
from tests.classify.make import article, edition, story

PLAN = (
    "Aldmere plans a bridge for cyclists over the river.",
    "Oak from the valley will carry them to the station, the council says.",
)
WEEK = 24 * 7
BEGUN = (
    "Work on the bridge for cyclists over the river has begun.",
    "Joiners bring oak from the valley, and cyclists wait at the station.",
)


def test_the_seed_of_july_follows_up_the_seed_of_april_and_no_sample_does(
    judged: tuple[tuple[Article, Judgement], ...], places: Places
) -> None:
    stories = cluster(judged)
    april = [one for one in stories if one.lead.publisher == "Xinhua"]
    july = [one for one in stories if one.lead.publisher != "Xinhua"]
    assert len(april) == 1
    linked = [one for one in related(july, [edition("2018-W15", *april)], places) if one.related]
    assert [one.lead.publisher for one in linked] == ["China Knowledge"]
    (link,) = linked[0].related
    assert (link.story, link.title) == (april[0].key, april[0].lead.title)
    assert (link.edition, link.period) == ("weekly-2018-W15", "2018-W15")
    assert "China and Israel" in link.why
    assert "office" in link.why


def test_samples_of_one_week_do_not_follow_up_each_other(
    judged: tuple[tuple[Article, Judgement], ...], places: Places
) -> None:
    """The same country, or the same theme, or both, do not make a follow-up."""
    earlier = cluster(judged)
    for present in earlier:
        later = article(
            present.lead.title, *present.lead.paragraphs, id="later", published=present.lead.when + timedelta(days=21)
        )
        again = type(present)(key=later.uid, lead=later, judgement=present.judgement)
        (found,) = related([again], [edition("2018-W29", *earlier)], places)
        expected = {present.key}
        if present.lead.publisher == "China Knowledge":
            expected |= {one.key for one in earlier if one.lead.publisher == "Xinhua"}
        assert {link.story for link in found.related} == expected, present.lead.title


def test_a_city_in_common_asks_for_fewer_words_than_a_country(places: Places) -> None:
    old = article(
        "Snow on the fair", *PLAN, "A museum opens, snow fell, trains stood still.", "Bakers met at a fair and danced."
    )
    new = article(
        "Lambs are sold",
        *BEGUN,
        "Rain fell on lambs.",
        "Buses ran late again while a choir sang and farmers traded.",
        hours=WEEK,
    )
    for primary, expected in (("CN-GD", 1), ("CN", 0)):
        tags = {"primary": [primary], "themes": ["transport"]}
        (found,) = related([story(new, **tags)], [edition("2018-W29", story(old, **tags))], places)
        assert len(found.related) == expected, primary


def test_other_places_or_other_words_are_no_follow_up(places: Places) -> None:
    old = edition(
        "2018-W29", story(article("Bridge for cyclists planned", *PLAN), primary=["CN-GD"], themes=["transport"])
    )
    elsewhere = story(article("Bridge for cyclists begun", *BEGUN, hours=WEEK), primary=["DE"], themes=["transport"])
    other = story(article("Otters arrive", "A zoo has otters.", hours=WEEK), primary=["CN-GD"], themes=["transport"])
    assert [one.related for one in related([elsewhere, other], [old], places)] == [(), ()]


def test_stories_about_no_place_may_follow_up_by_their_words(places: Places) -> None:
    old = story(article("Bridge for cyclists planned", *PLAN), themes=["transport"])
    new = story(article("Bridge for cyclists begun", *PLAN, hours=WEEK), themes=["transport"])
    (found,) = related([new], [edition("2018-W29", old)], places)
    assert found.related[0].why.startswith("Both stand under the same theme and speak of ")
    plain = story(article("Bridge for cyclists begun", *PLAN, hours=WEEK))
    (found,) = related([plain], [edition("2018-W29", old)], places)
    assert found.related[0].why.startswith("Both speak of ")


def test_a_story_is_no_follow_up_of_itself_nor_of_what_came_later(places: Places) -> None:
    one = story(article("Bridge for cyclists planned", *PLAN), primary=["CN-GD"], themes=["transport"])
    later = story(article("Bridge for cyclists begun", *PLAN, hours=WEEK), primary=["CN-GD"], themes=["transport"])
    assert related([one], [edition("2018-W29", one, later)], places)[0].related == ()


def test_at_most_two_are_named_nearest_first_and_the_latest_edition_of_each(places: Places) -> None:
    tags = {"primary": ["CN-GD"], "counterpart": ["IL", "DE"], "themes": ["transport"]}
    past = [
        story(article(f"Bridge for cyclists, {n}", *PLAN, *["Otters swim."] * n, hours=n), **tags) for n in range(3)
    ]
    new = story(article("Bridge for cyclists begun", *PLAN, hours=3 * WEEK), **tags)
    editions = [edition("2018-W30", past[0]), edition("2018-W29", *past)]
    (found,) = related([new], editions, places)
    assert [(link.title, link.period) for link in found.related] == [
        ("Bridge for cyclists, 0", "2018-W30"),
        ("Bridge for cyclists, 1", "2018-W29"),
    ]
    assert "China, Germany and Israel" in found.related[0].why
    assert related([new], editions[::-1], places) == (found,)


def test_without_earlier_editions_nothing_changes(places: Places) -> None:
    one = story(article("Bridge", *PLAN))
    assert related([one], [], places) == (one,)
    assert related([one], [edition("2018-W15")], places) == (one,)
