"""Filing rules are applied. Pure.

Judgement + article + FilingRule, ... | filed -> Judgement, each tag that a rule added saying which rule it was

Rules go over what was judged and learned, in their order, a later one over an earlier one; what an editor says of the
one article goes over all of them (refiling.py).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final

from digest.model import RULED, Article, Evidence, FilingCondition, FilingRule, Judgement, RegionTag, ThemeTag

_WORD: Final = re.compile(r"[a-z0-9]", re.IGNORECASE)


def applying(article: Article, rules: Iterable[FilingRule]) -> tuple[FilingRule, ...]:
    """The rules that are about an article, in their order; those that are switched off are not."""
    return tuple(rule for rule in rules if rule.live and fits(article, rule.when))


def fits(article: Article, when: FilingCondition) -> bool:
    """Whether an article is one of those that a condition names; an empty one names none."""
    return not when.empty and all(
        (
            not when.sources or article.source in when.sources,
            not when.publishers or _folded(article.publisher) in map(_folded, when.publishers),
            not when.sections or any(_folded(article.section).startswith(_folded(one)) for one in when.sections),
            not when.keywords or not {*map(_folded, when.keywords)}.isdisjoint(map(_folded, article.keywords)),
            not when.words or any(_phrase(one).search(_folded(article.title)) for one in when.words),
        )
    )


def filed(judgement: Judgement, article: Article, rules: Sequence[FilingRule]) -> Judgement:
    """The judgement as the rules would have it. Holding an article is not its business: see `applying`."""
    for rule in applying(article, rules):
        evidence = (Evidence(where=RULED, text=rule.name, rule=f"filing rule {rule.id}", weight=1.0),)
        themes = [ThemeTag(theme=theme, score=1.0, evidence=evidence) for theme in rule.add_themes]
        gone = {*rule.add_themes, *rule.remove_themes}
        themes += [tag for tag in judgement.themes if tag.theme not in gone]
        regions = [
            RegionTag(region=code, role=role, score=1.0, evidence=evidence) for code, role in rule.add_regions.items()
        ]
        left = {*rule.add_regions, *rule.remove_regions}
        regions += [tag for tag in judgement.regions if tag.region not in left]
        judgement = replace(judgement, themes=tuple(themes), regions=tuple(regions))
    return judgement


@lru_cache(maxsize=1024)
def _phrase(text: str) -> re.Pattern[str]:
    """What finds a phrase as whole words; where a script has no spaces between words, wherever it stands."""
    folded = _folded(text)
    before = r"(?<!\w)" if _WORD.match(folded[:1]) else ""
    after = r"(?!\w)" if _WORD.match(folded[-1:]) else ""
    return re.compile(before + r"\s+".join(map(re.escape, folded.split())) + after)


@lru_cache(maxsize=4096)
def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
