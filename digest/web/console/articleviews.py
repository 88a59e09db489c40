"""Articles as pages show them: a line of a list, an article with its evidence, what changed between versions. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from digest.desk import ArticleLook
from digest.model import Article, Evidence, Judgement, Role
from digest.render import Renderer
from digest.store import Act, Card, Decision
from digest.web.console.frame import Frame, TimeView

_WORDS: Final = 6_000  # of a text that is compared
_SAID: Final = {
    Act.REFILE: "refiled",
    Act.HOLD: "held",
    Act.WITHDRAW: "withdrawn",
    Act.CORRECT: "corrected",
    Act.PIN: "made the editor's choice",
    Act.DROP: "dropped",
    Act.TAKE: "taken in",
    Act.MOVE: "moved",
    Act.RETITLE: "retitled",
    Act.SUMMARIZE: "summarized",
    Act.MERGE: "merged",
    Act.SPLIT: "split off",
}

Name = Callable[[str], str]


@dataclass(frozen=True, kw_only=True)
class LineView:
    """An article in a list."""

    uid: str
    title: str
    language: str
    href: str
    source: str
    publisher: str
    when: TimeView
    regions: str
    themes: str
    marks: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class TagView:
    """A region or theme of an article, and why it is there."""

    id: str
    name: str
    role: str
    score: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class PlaceView:
    """Where an article stood in an edition, or why it did not."""

    edition: str
    href: str
    state: str
    section: str
    why: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ActView:
    """Something that an operator decided."""

    what: str
    said: str
    by: str
    when: TimeView
    edition: str
    undone: str  # by whom it was taken back


@dataclass(frozen=True, kw_only=True)
class PieceView:
    """A piece of a text that was compared: "same", "gone" or "new"."""

    kind: str
    text: str


@dataclass(frozen=True, kw_only=True)
class VersionView:
    """A version of an article, and what it changed in the one before."""

    number: int
    when: TimeView | None
    changes: tuple[tuple[str, tuple[PieceView, ...]], ...]  # field -> pieces


def line(frame: Frame, card: Card, region: Name, theme: Name) -> LineView:
    """A card as a line."""
    return LineView(
        uid=card.uid,
        title=card.title,
        language=card.language,
        href=frame.path(f"/articles/{card.uid}"),
        source=card.source,
        publisher=card.publisher,
        when=frame.time(card.when),
        regions=", ".join(map(region, card.regions)),
        themes=", ".join(map(theme, card.themes)),
        marks=tuple(mark.value for mark in card.marks),
    )


def regions_of(judgement: Judgement | None, name: Name) -> list[TagView]:
    """The regions of an article with their evidence."""
    return [
        TagView(
            id=tag.region,
            name=name(tag.region),
            role=tag.role.value,
            score=f"{tag.score:.2f}",
            evidence=tuple(map(_evidence, tag.evidence)),
        )
        for tag in (judgement.regions if judgement else ())
    ]


def themes_of(judgement: Judgement | None, name: Name) -> list[TagView]:
    """The themes of an article with their evidence."""
    return [
        TagView(
            id=tag.theme,
            name=name(tag.theme),
            role="",
            score=f"{tag.score:.2f}",
            evidence=tuple(map(_evidence, tag.evidence)),
        )
        for tag in (judgement.themes if judgement else ())
    ]


def _evidence(one: Evidence) -> str:
    weight = f" ({one.weight:+.2f})" if one.weight else ""
    return f"{one.where}: “{one.text}” – {one.rule}{weight}" if one.text else f"{one.where}: {one.rule}{weight}"


def places_of(frame: Frame, look: ArticleLook) -> list[PlaceView]:
    """Where it stood."""
    return [
        PlaceView(
            edition=one.edition,
            href=frame.path(f"/editions/{one.edition}"),
            state=one.state.value,
            section=one.section,
            why=tuple(one.why),
        )
        for one in look.placements
    ]


def acts_of(frame: Frame, acts: Sequence[Decision], region: Name, theme: Name) -> list[ActView]:
    """What was decided about it, the newest first."""
    return [
        ActView(
            what=_SAID.get(one.act, one.act.value),
            said=_said(one, region, theme),
            by=one.by,
            when=frame.time(one.at),
            edition=one.edition,
            undone=one.undone_by,
        )
        for one in reversed(acts)
    ]


def _said(one: Decision, region: Name, theme: Name) -> str:
    parts = [str(one.payload[name]) for name in ("reason", "text", "title", "summary") if one.payload.get(name)]
    themes, regions = one.payload.get("themes"), one.payload.get("regions")
    if isinstance(themes, list):
        parts.append("themes: " + (", ".join(theme(str(name)) for name in themes) or "none"))
    if isinstance(regions, dict):
        parts.append("regions: " + (", ".join(f"{region(code)} ({role})" for code, role in regions.items()) or "none"))
    return "; ".join(parts)


def facts_of(frame: Frame, article: Article, renderer: Renderer) -> list[tuple[str, str]]:
    """The fields that were pulled out of an article; those that are empty are left out."""
    published = frame.time(article.published).full if article.published else ""
    found = (
        ("Published", published or "no date: counts from when it was first seen"),
        ("First seen", frame.time(article.first_seen).full),
        ("Source", article.source),
        ("Publisher", article.publisher),
        ("Section line", article.section),
        ("Byline", article.byline),
        ("Editor", article.editor),
        ("Agency", article.agency),
        ("Dateline", article.dateline),
        ("Keywords", ", ".join(article.keywords)),
        ("Language", renderer.languages().get(article.language, article.language)),
        ("Rights", article.rights.value),
        ("Weight", "" if article.weight == 1 else f"{article.weight:g}"),
        ("Id at its source", article.id),
        ("Found at", article.origin),
        ("uid", article.uid),
    )
    return [(label, value) for label, value in found if value]


def versions_of(frame: Frame, versions: Sequence[Article]) -> list[VersionView]:
    """The chain of versions, the newest first, each with what it changed."""
    views = [
        VersionView(
            number=after.version,
            when=frame.time(after.published) if after.published else None,
            changes=tuple(_changes(before, after)),
        )
        for before, after in zip((None, *versions), versions, strict=False)
    ]
    return views[::-1]


def _changes(before: Article | None, after: Article) -> Iterator[tuple[str, tuple[PieceView, ...]]]:
    if before is None:
        return
    fields = (
        ("Headline", before.title, after.title),
        ("Text", "\n".join(before.paragraphs), "\n".join(after.paragraphs)),
        ("Teaser", before.teaser, after.teaser),
        ("Byline", before.byline, after.byline),
        ("Section line", before.section, after.section),
        ("Publisher", before.publisher, after.publisher),
        ("Keywords", ", ".join(before.keywords), ", ".join(after.keywords)),
        ("Published", _moment(before), _moment(after)),
        ("Address", before.url, after.url),
    )
    for label, old, new in fields:
        if old != new:
            yield label, compared(old, new)


def _moment(article: Article) -> str:
    return article.published.isoformat() if article.published else ""


def compared(before: str, after: str) -> tuple[PieceView, ...]:
    """Two texts word by word; of what has no spaces between words, character by character."""
    old, new = _words(before)[:_WORDS], _words(after)[:_WORDS]
    pieces: list[PieceView] = []
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=len(old) > 1000).get_opcodes():
        if kind == "equal":
            pieces.append(PieceView(kind="same", text=_short(old[a:b])))
            continue
        if b > a:
            pieces.append(PieceView(kind="gone", text="".join(old[a:b])))
        if d > c:
            pieces.append(PieceView(kind="new", text="".join(new[c:d])))
    return tuple(pieces)


def _words(text: str) -> list[str]:
    """Words with what follows them up to the next; characters of scripts without spaces each alone."""
    found: list[str] = []
    word = ""
    for char in text:
        if char >= "\u2e80":
            found += [word, char] if word else [char]
            word = ""
        else:
            word += char
            if char.isspace():
                found.append(word)
                word = ""
    return [*found, word] if word else found


def _short(words: Sequence[str]) -> str:
    """What stayed the same: its ends, where it is long."""
    if len(words) <= 40:
        return "".join(words)
    return "".join((*words[:15], " […] ", *words[-15:]))


ROLES: Final = tuple(role.value for role in Role)
