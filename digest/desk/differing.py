"""What differs between two revisions of an edition, so that a person can read it. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from digest.model import Edition, Item

_WORDS: Final = re.compile(r"[㐀-鿿぀-ヿ]|[^\s㐀-鿿぀-ヿ]+\s*|\s+")
_LONGEST: Final = 4_000  # words of a text that are compared one by one


class Kind(StrEnum):
    """What became of something."""

    ADDED = "added"
    REMOVED = "removed"
    MOVED = "moved"
    HEADLINE = "headline"
    SUMMARY = "summary"
    ARTICLES = "articles"
    CHOICE = "choice"
    TOP = "top stories"
    NOTE = "note"
    TITLE = "title"


@dataclass(frozen=True)
class Segment:
    """A piece of a text: the same in both, or only in one."""

    kind: str  # "same", "gone", "new"
    text: str


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One thing that differs. `text` shows both, piece by piece."""

    kind: Kind
    story: str  # key; "" for the edition as a whole
    title: str
    text: tuple[Segment, ...]


def differences(before: Edition, after: Edition) -> tuple[Difference, ...]:
    """Everything that a reader could see to differ: the edition as a whole first, then its stories in reading order."""
    return (*_whole(before, after), *_stories(before, after))


def segments(before: str, after: str) -> tuple[Segment, ...]:
    """Two texts word by word; Chinese character by character."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    if len(old) + len(new) > _LONGEST:
        return tuple(Segment(kind, text) for kind, text in (("gone", before), ("new", after)) if text)
    found: list[Segment] = []
    for tag, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            found.append(Segment("same", "".join(old[a:b])))
            continue
        found += [
            Segment(kind, text) for kind, text in (("gone", "".join(old[a:b])), ("new", "".join(new[c:d]))) if text
        ]
    return tuple(found)


def _whole(before: Edition, after: Edition) -> Iterator[Difference]:
    names = {item.story.key: item.story.lead.title for edition in (before, after) for item in edition.items}

    def listed(keys: Sequence[str]) -> str:
        return "; ".join(names.get(key, key) for key in keys)

    pairs = (
        (Kind.TITLE, before.title, after.title),
        (Kind.NOTE, before.note, after.note),
        (Kind.CHOICE, listed(before.choice), listed(after.choice)),
        (Kind.TOP, listed(before.top), listed(after.top)),
    )
    for kind, old, new in pairs:
        if old != new:
            yield Difference(kind=kind, story="", title="", text=segments(old, new))


def _stories(before: Edition, after: Edition) -> Iterator[Difference]:
    old, new = _placed(before), _placed(after)
    still = _still(before, after)
    for key, (item, where) in new.items():
        title = item.story.lead.title
        if key not in old:
            yield Difference(kind=Kind.ADDED, story=key, title=title, text=(Segment("new", where),))
            continue
        was, stood = old[key]
        if stood != where or key not in still:
            text = segments(stood, where) if stood != where else (Segment("same", f"{where}: in another order"),)
            yield Difference(kind=Kind.MOVED, story=key, title=title, text=text)
        pairs = (
            (Kind.HEADLINE, was.story.lead.title, title),
            (Kind.SUMMARY, " ".join(was.story.judgement.summary), " ".join(item.story.judgement.summary)),
            (Kind.ARTICLES, _articles(was), _articles(item)),
        )
        same = {one.uid for one in was.story.articles} == {one.uid for one in item.story.articles}
        for kind, one, other in pairs:
            if one != other and not (kind is Kind.ARTICLES and same):
                yield Difference(kind=kind, story=key, title=title, text=segments(one, other))
    for key, (item, where) in old.items():
        if key not in new:
            title = item.story.lead.title
            yield Difference(kind=Kind.REMOVED, story=key, title=title, text=(Segment("gone", where),))


def _placed(edition: Edition) -> dict[str, tuple[Item, str]]:
    """Story -> its item, and where it stands, in words."""
    return {
        item.story.key: (item, " · ".join(filter(None, (section.names.get("en") or section.key, item.theme))))
        for section in edition.sections
        for item in section.items
    }


def _still(before: Edition, after: Edition) -> frozenset[str]:
    """The stories whose neighbours kept their order: those outside were moved."""
    old = [item.story.key for item in before.items]
    new = [item.story.key for item in after.items]
    both = set(old) & set(new)
    old, new = [key for key in old if key in both], [key for key in new if key in both]
    blocks = difflib.SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
    return frozenset(key for block in blocks for key in old[block.a : block.a + block.size])


def _articles(item: Item) -> str:
    return "; ".join(f"{article.title} ({article.publisher or article.source})" for article in item.story.articles)
