"""The sections that a digest's rule names: what they are called, and which stories belong under them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

from digest.model import DigestRule, RegionTag, Role, SectionRule, Story
from digest.places import Places

_ELSEWHERE = {"en": "Elsewhere", "zh": "其他地区"}
_ALL = SectionRule(key="all", names={"en": "All regions", "zh": "所有地区"}, elsewhere=True)


def rules(rule: DigestRule) -> tuple[SectionRule, ...]:
    """The sections of a digest; a digest that defines none has one for everything."""
    return rule.sections or (_ALL,)


def match(story: Story, section: SectionRule, places: Places) -> str | None:
    """Why a story belongs under a region's or a pair's heading; None when it does not."""

    def lies(tag: RegionTag, region: str) -> str:
        where = "" if tag.region == region else f" in {places.name(region)}"
        return f"{places.name(tag.region)}{where} is {tag.role}"

    primary = [tag for tag in story.judgement.regions if tag.role is Role.PRIMARY]
    partners = [tag for tag in story.judgement.regions if tag.role is not Role.MENTIONED]
    sides = () if section.pair is None else (section.pair, section.pair[::-1])
    for tag in primary:
        if section.region and places.within(tag.region, section.region):
            return f"Stands under {heading(section, places)}: {lies(tag, section.region)}."
        for (here, there), other in product(sides, partners):
            if other.region != tag.region and places.within(tag.region, here) and places.within(other.region, there):
                return f"Stands under {heading(section, places)}: {lies(tag, here)}, {lies(other, there)}."
    return None


def heading(section: SectionRule, places: Places) -> str:
    """What an editor reads as the name of a section, in quotes."""
    names = headings(section, places)
    return f"'{names.get('en') or next(iter(names.values()), section.key)}'"


def headings(section: SectionRule, places: Places) -> Mapping[str, str]:
    """What the heading says, by language: its own names, else those of its region or regions."""
    if section.names or section.elsewhere:
        return section.names or _ELSEWHERE
    codes = section.pair or (section.region,)
    each = [place.names if (place := places.find(code)) is not None else {"en": code} for code in codes]
    return {
        language: " – ".join(names[language] for names in each)
        for language in each[0]
        if all(language in names for names in each)
    }
