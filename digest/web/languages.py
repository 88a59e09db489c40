"""Which language a page speaks: what the address says (?lang=), else what the browser prefers (RFC 9110, 12.5.4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

_MOST: Final = 20  # entries of Accept-Language that are looked at


def preferred(asked: str, header: str, pick: Callable[[str], str]) -> str:
    """The tag to render in; "" leaves it to the publication.

    Args:
        asked: of the address; "" when it says nothing.
        header: Accept-Language.
        pick: from a tag to the nearest that is at hand, or to the publication's own when none is near.
    """
    for tag in (asked, *_by_weight(header)):
        if tag and _base(pick(tag)) == _base(tag):
            return pick(tag)
    return ""


def _by_weight(header: str) -> list[str]:
    """The tags of an Accept-Language header, most wanted first; those with weight 0 are not wanted."""
    weighted: list[tuple[float, str]] = []
    for entry in header.split(",")[:_MOST]:
        tag, _, parameter = entry.partition(";")
        key, _, value = parameter.strip().partition("=")
        try:
            weight = float(value) if key.strip() == "q" else 1.0
        except ValueError:
            weight = 0.0
        if tag.strip() not in {"", "*"} and weight > 0:
            weighted.append((weight, tag.strip()[:35]))
    return [tag for _, tag in sorted(weighted, key=lambda one: -one[0])]


def _base(tag: str) -> str:
    return tag.partition("-")[0].lower()
