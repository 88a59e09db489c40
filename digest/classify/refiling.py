"""What an editor said of an article takes the place of what was judged. Pure.

Judgement + Refiled | -> Judgement, each tag saying who put it there
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from digest.model import Article, Evidence, Judgement, RegionTag, Role, ThemeTag

LEAST: Final = 30  # corrections of themes before anything is learned from them


@dataclass(frozen=True, kw_only=True)
class ThemeCorrection:
    """What an editor said of an article: its themes, all of them. The learner learns from these."""

    article: Article
    themes: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Refiled:
    """Where an editor put an article; None leaves what was judged.

    Attributes:
        themes: ids, best first.
        regions: codes with their roles, best first.
        by: who.
    """

    themes: Sequence[str] | None = None
    regions: Mapping[str, Role] | None = None
    by: str = ""

    @classmethod
    def of(cls, payload: Mapping[str, object], by: str) -> Refiled:
        """From what is kept: {"themes": ["trade"], "regions": {"CN-GD": "primary"}}."""
        themes, regions = payload.get("themes"), payload.get("regions")
        return cls(
            themes=[str(theme) for theme in themes] if isinstance(themes, list) else None,
            regions={code: Role(role) for code, role in regions.items()} if isinstance(regions, dict) else None,
            by=by,
        )


def refiled(judgement: Judgement, editor: Refiled) -> Judgement:
    """The judgement as the editor would have it."""
    evidence = (Evidence(where="operator", text=editor.by, rule="an editor filed it here", weight=1.0),)
    if editor.themes is not None:
        tags = tuple(ThemeTag(theme=theme, score=1.0, evidence=evidence) for theme in editor.themes)
        judgement = replace(judgement, themes=tags)
    if editor.regions is not None:
        kept = tuple(
            tag for tag in judgement.regions if tag.region not in editor.regions and tag.role is Role.MENTIONED
        )
        regions = (
            RegionTag(region=code, role=role, score=1.0, evidence=evidence) for code, role in editor.regions.items()
        )
        judgement = replace(judgement, regions=(*regions, *kept))
    return judgement
