"""Feeds: RSS, RDF and Atom through the jail, JSON Feed by records.py."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import Any, Final

from digest.clean import html_paragraphs, html_to_text, plain
from digest.errors import PickupError
from digest.jail import Jail
from digest.pickup import dates
from digest.pickup.draft import Draft

_MAX_ENTRIES: Final = 5000
_PARSER: Final = "digest.pickup.inside.feeds:parse"


def read(text: str, *, name: str, zone: tzinfo, jail: Jail) -> tuple[list[Draft], list[PickupError]]:
    """The entries of a feed, and what is wrong with those that cannot be used.

    Raises:
        PickupError: it is not a feed, or broken before its first entry.
        JailError: the parser was stopped.
    """
    feed = jail.run(_PARSER, text.encode("utf-8", "replace"))
    entries = feed["entries"]
    broken = PickupError(
        f"not well-formed: {feed['problem']}",
        where=name,
        line=feed["line"],
        remedy="ask its publisher to mend it; what could be read before and after was taken",
    )
    if not entries and (feed["problem"] or not feed["version"]):
        if feed["problem"]:
            raise PickupError(
                broken.what, where=name, line=broken.line, remedy="give an RSS, Atom or JSON Feed document"
            )
        raise PickupError("not a feed", where=name, remedy="give an RSS, Atom or JSON Feed document")
    drafts: list[Draft] = []
    problems: list[PickupError] = [broken] if feed["problem"] else []
    if len(entries) > _MAX_ENTRIES:
        problems.append(PickupError(f"{len(entries)} entries, the first {_MAX_ENTRIES} were taken", where=name))
    for number, entry in enumerate(entries[:_MAX_ENTRIES], start=1):
        draft = _draft(entry, feed, f"{name}, entry {number}", zone)
        if draft.title or draft.paragraphs:
            drafts.append(draft)
        else:
            problems.append(PickupError("neither a title nor a text", where=draft.where, remedy="ask its publisher"))
    return drafts, problems


def _draft(entry: Mapping[str, Any], feed: Mapping[str, Any], where: str, zone: tzinfo) -> Draft:
    content, summary = _paragraphs(entry["content"]), _paragraphs(entry["summary"])
    stamp = entry["published"] or entry["updated"]
    return Draft(
        id=entry["id"],
        title=html_to_text(entry["title"]) if entry["title_is_html"] else plain(entry["title"]),
        paragraphs=content or summary,
        url=entry["link"],
        published=dates.read(stamp, zone) if stamp else None,
        publisher=html_to_text(entry["publisher"] or feed["title"]),
        byline=html_to_text(entry["author"]),
        keywords=tuple(entry["tags"]),
        section=entry["tags"][0] if entry["tags"] else "",
        teaser=" ".join(summary) if content and summary != content else "",
        language=entry["language"] or feed["language"],
        where=where,
    )


def _paragraphs(detail: Mapping[str, Any] | None) -> tuple[str, ...]:
    if detail is None:
        return ()
    if detail["html"]:
        return html_paragraphs(detail["text"])
    return tuple(text for line in detail["text"].split("\n") if (text := plain(line)))
