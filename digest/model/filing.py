"""Filing rules: what the desk made of refilings, so that the next such article is filed by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from digest.model.articles import Role

RULED: Final = "filing rule"  # where the evidence of a rule stands


@dataclass(frozen=True, kw_only=True)
class FilingCondition:
    """Which articles a rule is about: in each field that is filled, one of its values has to fit. Case is no matter.

    Attributes:
        sources: keys.
        publishers: names, whole.
        sections: the publisher's section lines, or what they begin with: "Macro" for "Macro · Govt".
        keywords: of the article, whole.
        words: words or phrases in the headline.
    """

    sources: tuple[str, ...] = ()
    publishers: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    words: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether it would fit every article."""
        return not any((self.sources, self.publishers, self.sections, self.keywords, self.words))


@dataclass(frozen=True, kw_only=True)
class FilingRule:
    """A condition and what follows of it: themes and regions that come to an article or go, or that it waits.

    Attributes:
        name: as the desk calls it.
        when: which articles.
        add_themes: ids; they come first.
        remove_themes: ids.
        add_regions: code -> role; they come first.
        remove_regions: codes.
        hold: the article waits until an operator releases it.
        id: its number; 0 until it is kept.
        live: whether it is applied.
        by: who made it.
    """

    name: str
    when: FilingCondition
    add_themes: tuple[str, ...] = ()
    remove_themes: tuple[str, ...] = ()
    add_regions: Mapping[str, Role] = field(default_factory=dict)
    remove_regions: tuple[str, ...] = ()
    hold: bool = False
    id: int = 0
    live: bool = True
    by: str = ""

    @property
    def idle(self) -> bool:
        """Whether nothing follows of it."""
        return not any((self.add_themes, self.remove_themes, self.add_regions, self.remove_regions, self.hold))
