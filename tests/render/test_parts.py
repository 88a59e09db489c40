"""A copy joined from parts is the copy that a rendering of its own would be: byte for byte, text and HTML."""

from __future__ import annotations

import os
import random
from dataclasses import replace
from functools import lru_cache

from hypothesis import given, settings
from hypothesis import strategies as st

from digest.compose import Chooser, narrowed
from digest.model import (
    CrossReference,
    Edition,
    EncodedCopy,
    Length,
    Preferences,
    RegionTag,
    Role,
    Section,
    Skipped,
    ThemeGroup,
)
from digest.render import Reader, Renderer, decoded
from tests.render import factory

CODES = [*factory.REGIONS[:-1], "UY", "142", "001", "FR"]
THEMES = [*factory.THEMES, "zoology"]
EXAMPLES = int(os.environ.get("DIGEST_EXAMPLES", "25"))


@lru_cache(maxsize=64)
def edition(stories: int, seed: int) -> Edition:
    """An edition with counterparts, lines to other sections, pins and stories that move about."""
    if not stories:
        return factory.small()
    chance = random.Random(seed)
    whole = factory.large(stories)
    homes: dict[str, list[CrossReference]] = {}
    sections = []
    for section in whole.sections:
        groups = []
        for group in section.groups:
            items = []
            for item in group.items:
                story = item.story
                if chance.random() < 0.4:
                    partner = chance.choice(factory.REGIONS[:-1])
                    tag = RegionTag(region=partner, role=Role.COUNTERPART, score=0.5)
                    judgement = replace(story.judgement, regions=(*story.judgement.regions, tag))
                    story = replace(story, judgement=judgement)
                    if partner != section.key:
                        line = CrossReference(
                            story=story.key, number=item.number, title=story.lead.title, section=section.key
                        )
                        homes.setdefault(partner, []).append(line)
                items.append(replace(item, story=story))
            groups.append(ThemeGroup(theme=group.theme, items=tuple(items)))
        sections.append(replace(section, groups=tuple(groups)))
    sections = [replace(one, cross_references=tuple(homes.get(one.key, ()))) for one in sections]
    if chance.random() < 0.5:  # a section with nothing but lines
        sections.append(Section(key="FR", names={}, groups=(), cross_references=tuple(homes.get("JP", ()))))
    keys = [item.story.key for item in whole.items]
    return replace(
        whole,
        sections=tuple(one for one in sections if one.groups or one.cross_references),
        top=tuple(chance.sample(keys, min(len(keys), chance.randint(0, 4)))),
        choice=tuple(chance.sample(keys, min(len(keys), chance.randint(0, 2)))),
        note=whole.note if chance.random() < 0.5 else "",
    )


preferences = st.builds(
    Preferences,
    regions=st.lists(st.sampled_from(CODES), max_size=4, unique=True).map(tuple),
    themes=st.lists(st.sampled_from(THEMES), max_size=3, unique=True).map(tuple),
    language=st.sampled_from(["", "en", "zh", "en-US", "fr"]),
    length=st.sampled_from(Length),
)
names = st.one_of(
    st.just(""),
    st.text(max_size=30),
    st.sampled_from(
        [
            ".",
            "From here",
            "דנה",
            "a=b",
            "<b>&",
            "Ada Chen",
            "很" * 40,
            "x" * 70,
            "trailing ",
            "O'Neil",
            "Émile Roux",
            'a "b"',
        ]
    ),
)


@lru_cache(maxsize=1)
def renderer() -> Renderer:
    return factory.renderer()


def reader(wanted: Preferences, name: str, number: int) -> Reader:
    return factory.reader(
        name=name,
        language=wanted.language,
        length=wanted.length,
        preferences=wanted,
        preferences_url=f"https://digest.example/preferences/{number}",
        unsubscribe_url=f"https://digest.example/u?number={number}&k={'x' * (number % 120)}",
    )


def assert_fit_to_send(copy: EncodedCopy) -> None:
    """What deliver is promised of each body."""
    for body in (b"".join(copy.text), b"".join(copy.html)):
        assert body.endswith(b"\r\n")
        assert body.isascii()
        assert b"=_" not in body
        assert b"\x00" not in body
        lines = body.split(b"\r\n")
        assert all(len(line) <= 76 for line in lines)
        assert not any(line.startswith((b".", b"From ")) or b"\n" in line or b"\r" in line for line in lines)
        assert not any(line.endswith((b" ", b"\t")) for line in lines)


@given(
    stories=st.sampled_from([0, 0, 1, 3, 6, 7, 17, 40]),
    seed=st.integers(0, 5),
    wanted=preferences,
    name=names,
    number=st.integers(1, 10**6),
    without=st.integers(0, 2**40 - 1) | st.just(0),
)
@settings(max_examples=EXAMPLES, deadline=None)
def test_a_copy_equals_a_rendering_of_its_own(  # noqa: PLR0917 - hypothesis names them
    stories: int, seed: int, wanted: Preferences, name: str, number: int, without: int
) -> None:
    whole = edition(stories, seed)
    picked = Chooser(whole, factory.places()).pick(wanted, without)
    if isinstance(picked, Skipped):
        return
    one = reader(wanted, name, number)
    parts = renderer().parts(whole, language=wanted.language)
    encoded = parts.encoded(picked, one)
    assert_fit_to_send(encoded)
    alone = renderer().alone(narrowed(whole, picked), one)
    assert decoded(encoded.text) == alone.text
    assert decoded(encoded.html) == alone.html
    assert (encoded.subject, encoded.items, encoded.unsubscribe) == (alone.subject, alone.items, alone.unsubscribe)
    assert parts.copy(picked, one) == alone


def test_the_page_for_everyone_equals_a_rendering_of_its_own() -> None:
    for stories in (0, 7, 40):
        whole = edition(stories, 1)
        alone = renderer().alone(whole, None)
        assert (renderer().online(whole, ""), renderer().online_text(whole, "")) == (alone.html, alone.text)
        assert "unsubscribe" not in alone.html
