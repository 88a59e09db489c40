"""What the shell offers behind a command: ids of editions, keys of digests and sources, names of templates.

Asked at every press of Tab: it opens the publication, reads what is needed, and offers nothing where that fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import typer

from digest.app import App
from digest.errors import ConfigError, DigestError
from digest.render.templates import Templates
from digest.settings import shipped

_MOST: Final = 50
Offered: TypeAlias = Callable[[typer.Context, str], list[tuple[str, str]]]


def offering(found: Callable[[App], Iterable[tuple[str, str]]]) -> Offered:
    """What offers values (with a word about each) that begin with what was typed."""

    def offer(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
        folder = Path((context.find_root().params or {}).get("folder") or ".")
        try:
            with App.open(folder) as app:
                wanted = [one for one in found(app) if one[0].startswith(incomplete)]
        except (ConfigError, DigestError, OSError):
            return []
        return wanted[:_MOST]

    return offer


def _editions(app: App) -> Iterator[tuple[str, str]]:
    for one in app.store.shelf.editions(limit=_MOST):
        yield one.id, f"{one.state}, {one.title} no. {one.number}"


def _digests(app: App) -> Iterator[tuple[str, str]]:
    for rule in app.settings.digests:
        yield rule.key, rule.title


def _sources(app: App) -> Iterator[tuple[str, str]]:
    for source in (*app.settings.sources, *app.store.sources.kept()):
        yield source.key, f"{source.kind} {source.publisher or source.location}".strip()


def _templates(_app: App) -> Iterator[tuple[str, str]]:
    names = Templates([shipped("templates")]).names()
    for name in dict.fromkeys(part for one in names for part in (one.rpartition("/")[0], one) if part):
        yield name, ""


def _sections(app: App) -> Iterator[tuple[str, str]]:
    for rule in app.settings.digests:
        for section in rule.sections:
            yield section.key, section.names.get("en", rule.title)


editions: Final = offering(_editions)
digests: Final = offering(_digests)
sources: Final = offering(_sources)
templates: Final = offering(_templates)
sections: Final = offering(_sections)

EditionId = Annotated[str, typer.Argument(help="An edition's id, such as weekly-2018-W29.", autocompletion=editions)]
DigestKey = Annotated[
    str,
    typer.Option("--digest", help="Which digest; not needed where there is one.", autocompletion=digests),
]
SourceKey = Annotated[
    str, typer.Argument(help="A source's key, as `digest sources list` shows it.", autocompletion=sources)
]
Section = Annotated[str, typer.Argument(help="A section's key.", autocompletion=sections)]
