"""What speaks against sending an edition: every check of a revision before it is approved. Pure over what it is given.

    Facts | examine -> Preflight    what blocks first, then warnings

What blocks must not go out: nobody can approve it, and nothing approves it by itself. Where going out would harm nobody
but the sender's pride (`safe`), a publisher may say so, with a reason. Each finding says where it is and what to do.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from html.parser import HTMLParser
from typing import Final
from urllib.parse import urlsplit

from digest.model import Edition, Item, Publication, Revision, Rights
from digest.pickup.furniture import part
from digest.render.check import CLIPPED, COMFORTABLE

_SCHEMES: Final = frozenset({"https", "http", "mailto"})
_MOST_ITEMS: Final = 5  # named in one finding; the rest is counted


class Level(StrEnum):
    """What a finding does."""

    BLOCKS = "blocks"
    WARNS = "warns"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that speaks against sending a revision.

    Attributes:
        level: whether it blocks approval.
        check: which check it comes from: "size", "links", "images", "unsubscribe", "authentication", "sections",
            "repeats", "dates", "summaries", "audience", "address", "template".
        what: a sentence.
        where: the story's headline, the language, the setting; "" for the whole edition.
        remedy: what to do about it.
        story: key of the story it is about; "" for none.
        safe: a publisher may approve all the same, with a reason.
    """

    level: Level
    check: str
    what: str
    where: str = ""
    remedy: str = ""
    story: str = ""
    safe: bool = False

    def __str__(self) -> str:
        where = f"{self.where}: " if self.where else ""
        return f"{where}{self.what}" + (f" ({self.remedy})" if self.remedy else "")


@dataclass(frozen=True, kw_only=True)
class Look:
    """The whole edition as a mail in one language. `trimmed` counts the stories that it leaves to the web."""

    language: str  # its name: "English"
    subject: str
    html: str
    text: str
    trimmed: int = 0
    fault: str = ""  # why it does not render; the rest is empty then


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is looked at.

    Attributes:
        revision: what would be approved.
        publication: who publishes.
        looks: the mail, in each language.
        used: uid of an article -> id of the earlier edition of this digest that carried it.
        taken: stories that an operator took in knowingly.
        sections: key -> heading, of the digest's sections, in order.
        lateness: how long before its period a story may have appeared.
        audience: readers who would get a copy.
        online: address of the edition's page.
        unsubscribe: the one-click address of a copy.
        mailto: address for unsubscription by mail; "" where there is none.
        signature: why mail cannot be signed though a key is set; "" where it can, or none is set.
        signs: the domain that signs; "" where nothing is signed.
        bounces: domain of MAIL FROM.
        signs_aligned, bounces_aligned: whether these are the sender's for DMARC.
        template: what is wrong with the mail's template, in sentences.
    """

    revision: Revision
    publication: Publication
    looks: Sequence[Look] = ()
    used: Mapping[str, str] = field(default_factory=dict)
    taken: frozenset[str] = frozenset()
    sections: Mapping[str, str] = field(default_factory=dict)
    lateness: timedelta = timedelta(days=7)
    audience: int = 0
    online: str = ""
    unsubscribe: str = ""
    mailto: str = ""
    signature: str = ""
    signs: str = ""
    bounces: str = ""
    signs_aligned: bool = True
    bounces_aligned: bool = True
    template: Sequence[str] = ()

    @property
    def edition(self) -> Edition:
        """What the revision froze."""
        return self.revision.edition


@dataclass(frozen=True, kw_only=True)
class Preflight:
    """What was found, what blocks first; `hash` is of the revision that was looked at."""

    hash: str
    findings: tuple[Finding, ...]

    @property
    def blocking(self) -> tuple[Finding, ...]:
        """What nobody may pass over, but what is safe."""
        return tuple(one for one in self.findings if one.level is Level.BLOCKS)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What an operator should know."""
        return tuple(one for one in self.findings if one.level is Level.WARNS)

    @property
    def overridable(self) -> bool:
        """Whether all that blocks is safe to pass over with a reason."""
        return all(one.safe for one in self.blocking)


def examine(facts: Facts) -> Preflight:
    """Look at everything."""
    checks = (
        _template, _size, _links, _unsubscribe, _authentication, _sections, _repeats, _dates, _summaries, _audience,
        _address,
    )  # fmt: skip
    found = [finding for check in checks for finding in check(facts)]
    found.sort(key=lambda one: one.level is Level.WARNS)  # stable: within a level, in the order of the checks
    return Preflight(hash=facts.revision.hash, findings=tuple(found))


def _blocks(check: str, what: str, remedy: str, *, where: str = "", story: str = "", safe: bool = False) -> Finding:
    return Finding(level=Level.BLOCKS, check=check, what=what, remedy=remedy, where=where, story=story, safe=safe)


def _warns(check: str, what: str, remedy: str, *, where: str = "", story: str = "") -> Finding:
    return Finding(level=Level.WARNS, check=check, what=what, remedy=remedy, where=where, story=story)


# ---- the mail


def _template(facts: Facts) -> Iterator[Finding]:
    for look in facts.looks:
        if look.fault:
            yield _blocks(
                "template", look.fault, "mend the template, then compose the draft again", where=look.language
            )
    for what in facts.template:
        yield _warns("template", what, "`digest templates check` tells more")


def _size(facts: Facts) -> Iterator[Finding]:
    count = len(facts.edition.items)
    for look in facts.looks:
        size = len(look.html.encode())
        if size > CLIPPED:
            what = f"the mail takes {size:,} bytes; Gmail cuts it at {CLIPPED:,}"
            yield _blocks("size", what, "drop some stories, or shorten the note", where=look.language, safe=True)
        elif look.trimmed:
            what = (
                f"{look.trimmed} of {count} stories are left to the web: the whole edition is longer than clients show"
            )
            yield _warns("size", what, "drop some, if they all matter", where=look.language)
        elif size > COMFORTABLE:
            what = f"the mail takes {size:,} of the {CLIPPED:,} bytes that Gmail shows"
            yield _warns("size", what, "it goes out whole; gateways may add to it", where=look.language)


def _links(facts: Facts) -> Iterator[Finding]:
    seen: set[tuple[str, str]] = set()
    for look in facts.looks:
        page = _Page()
        page.feed(look.html)
        page.close()
        found = [("links", *fault) for href in page.links if (fault := _fault(href, page.ids))]
        found += [("images", *fault) for source, alt in page.images if (fault := _picture(source, alt))]
        for check, what, blocks in found:
            if (check, what) in seen:
                continue
            seen.add((check, what))
            if blocks:
                remedy = "mend the article or the template it comes from"
                yield _blocks(check, what, remedy, where=look.language)
            else:
                remedy = "mail programs distrust what is not https" if check == "links" else "mend it in the template"
                yield _warns(check, what, remedy, where=look.language)


def _fault(href: str, ids: set[str]) -> tuple[str, bool] | None:
    """What is wrong with a link, and whether it blocks."""
    if href.startswith("#"):
        return None if href[1:] in ids else (f"the link {href} points nowhere in the mail", True)
    if not href.strip():
        return "a link is empty", True
    try:
        parts = urlsplit(href)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in _SCHEMES:
        return f"the link '{href[:80]}' leads nowhere that a reader can open", True
    if parts.scheme != "mailto" and not parts.hostname:
        return f"the link '{href[:80]}' names no server", True
    if parts.scheme == "http":
        return f"links to http://{parts.netloc} are not https", False
    return None


def _picture(source: str, alt: str | None) -> tuple[str, bool] | None:
    if not source.strip():
        return "an image has no address", True
    if alt is None:
        return f"an image has no words for who does not see it: {source[:80]}", False
    if not source.startswith(("https://", "cid:")):
        return f"an image is not fetched by https: {source[:80]}", False
    return None


def _unsubscribe(facts: Facts) -> Iterator[Finding]:
    parts = urlsplit(facts.unsubscribe)
    if not parts.scheme or not parts.hostname:
        yield _blocks("unsubscribe", "a copy has no address to unsubscribe at", "set publication.url")
        return
    if parts.scheme != "https":
        what = "one-click unsubscription needs https (RFC 8058); mailbox providers ask for it"
        if _is_trial(parts.hostname):
            yield _warns("unsubscribe", what, "publication.url is an address of a trial", where="publication.url")
        else:
            yield _blocks("unsubscribe", what, "serve it by https", where="publication.url", safe=True)
    for look in facts.looks:
        if look.html and facts.unsubscribe not in look.html.replace("&amp;", "&"):
            what = "no link in the mail lets its reader leave"
            yield _blocks("unsubscribe", what, "put links.unsubscribe back into the template", where=look.language)
    if not facts.mailto:
        what = "there is no address to unsubscribe by mail"
        yield _warns("unsubscribe", what, "some programs know only that way", where="mail.unsubscribe")


def _is_trial(host: str) -> bool:
    """Whether a host is this machine: nobody else reads what is tried out there."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _authentication(facts: Facts) -> Iterator[Finding]:
    sender = facts.publication.sender.rpartition("@")[2]
    if facts.signature:
        yield _blocks("authentication", facts.signature, "mend the key: nothing can be signed", where="dkim.key_file")
    elif not facts.signs:
        what = "nothing is signed here (DKIM)"
        yield _warns("authentication", what, "well, if the relay signs; else set a key", where="dkim.key_file")
    elif not facts.signs_aligned:
        what = f"{facts.signs} signs, and {sender} is the sender: receivers will not tie the two"
        yield _warns("authentication", what, "sign for the sender's domain", where="dkim.domain")
    if not facts.bounces_aligned:
        what = f"bounces go to {facts.bounces}, and {sender} is the sender: SPF counts for nothing"
        yield _warns("authentication", what, "use an address of the sender's domain", where="mail.return_path")


# ---- what stands in it


def _sections(facts: Facts) -> Iterator[Finding]:
    filled = {section.key for section in facts.edition.sections if section.items}
    if not facts.edition.items:
        yield _blocks("sections", "there is no story in it", "take some in, or leave the edition out")
    empty = [heading for key, heading in facts.sections.items() if key not in filled]
    if empty and filled:
        yield _warns("sections", f"nothing stands under {', '.join(empty)}", "well, if there was nothing")


def _repeats(facts: Facts) -> Iterator[Finding]:
    holders = Counter(article.uid for item in facts.edition.items for article in item.story.articles)
    for item in facts.edition.items:
        earlier = next((facts.used[one.uid] for one in item.story.articles if one.uid in facts.used), "")
        if earlier and _names(item) & facts.taken:
            yield _warns("repeats", f"{earlier} carried it", "an operator took it in again", **_at(item))
        elif earlier:
            yield _blocks(
                "repeats", f"{earlier} carried it", "drop it, or take it in knowingly", safe=True, **_at(item)
            )
        if any(holders[one.uid] > 1 for one in item.story.articles):
            where, story = _at(item).values()
            what = "an article of it stands in the edition twice"
            yield _blocks("repeats", what, "merge the two", where=where, story=story)
    titles = Counter(item.story.lead.title.casefold().strip() for item in facts.edition.items)
    for item in facts.edition.items:
        if titles[item.story.lead.title.casefold().strip()] > 1:
            titles[item.story.lead.title.casefold().strip()] = 0  # said once
            yield _warns("repeats", "two stories have this headline", "merge them, or change one", **_at(item))


def _dates(facts: Facts) -> Iterator[Finding]:
    period = facts.edition.period
    undated = [item for item in facts.edition.items if item.story.lead.published is None]
    yield from _listed("dates", undated, "no date", "look whether it is news")
    late = [item for item in facts.edition.items if item.story.lead.when >= period.end]
    yield from _listed("dates", late, "from after the period", "it may belong into the next edition")
    first = period.start - facts.lateness
    old = [item for item in facts.edition.items if max(one.when for one in item.story.articles) < first]
    yield from _listed("dates", old, "older than this digest takes", "drop it, if nobody wanted it")


def _summaries(facts: Facts) -> Iterator[Finding]:
    told = [item for item in facts.edition.items if item.story.lead.rights is not Rights.HEADLINE]
    missing = [item for item in told if not any(text.strip() for text in item.story.judgement.summary)]
    yield from _listed("summaries", missing, "no summary", "write one, or let the headline speak")
    for item in told:
        if line := next((text for text in item.story.judgement.summary if part(text) is not None), ""):
            what = f"the summary holds a line that is no news: “{line[:80]}”"
            yield _warns("summaries", what, "write another summary", **_at(item))
    untitled = [item for item in facts.edition.items if not item.story.lead.title.strip()]
    yield from _listed("summaries", untitled, "no headline", "write one")


def _listed(check: str, items: Sequence[Item], what: str, remedy: str) -> Iterator[Finding]:
    """A finding for each of the first items, and one that counts the rest."""
    for item in items[:_MOST_ITEMS]:
        yield _warns(check, what, remedy, **_at(item))
    if len(items) > _MOST_ITEMS:
        yield _warns(check, f"{len(items) - _MOST_ITEMS} more: {what}", remedy)


def _at(item: Item) -> dict[str, str]:
    return {"where": item.story.lead.title or item.story.key, "story": item.story.key}


def _names(item: Item) -> frozenset[str]:
    return frozenset((item.story.key, *(one.uid for one in item.story.articles)))


# ---- who gets it


def _audience(facts: Facts) -> Iterator[Finding]:
    if not facts.audience:
        yield _warns("audience", "nobody is subscribed: no mail goes out", "pages and feeds are published all the same")


def _address(facts: Facts) -> Iterator[Finding]:
    address = " ".join(facts.publication.postal_address.split())
    where = "publication.postal_address"
    if not address:
        what = "there is no postal address, which the law asks for in many places"
        yield _blocks("address", what, "write it into digest.toml", where=where)
        return
    for look in facts.looks:
        if look.text and "".join(address.split()) not in "".join(look.text.split()):
            what = "the postal address does not stand in the mail"
            yield _blocks("address", what, "put it back into the template's colophon", where=look.language)


class _Page(HTMLParser):
    """The links, images and targets of a mail."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.links: dict[str, None] = {}
        self.images: dict[tuple[str, str | None], None] = {}
        self.ids: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if name := values.get("id"):
            self.ids.add(name)
        if tag == "a":
            if "href" in values:
                self.links[values["href"] or ""] = None
            if name := values.get("name"):
                self.ids.add(name)
        elif tag == "img":
            self.images[values.get("src") or "", (values["alt"] or "") if "alt" in values else None] = None
