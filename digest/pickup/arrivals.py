"""What a live source shows, held against what is known of it: which entries are news, edits, or old ones in disguise.

    entries -> new | edited | the same under another id | another under the same id | held

Pure. An article is known by its id; failing that, by title and date, or title and link. A source that suddenly shows
many "new" entries whose links, titles or dates are old has changed its ids, or serves an old copy: those are held for
the operator, and what is new all the same goes on.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from difflib import SequenceMatcher
from typing import Final

from digest.clean import fingerprint
from digest.model import Article

FEWEST: Final = 10  # entries below which a feed is too short to tell
SHARE: Final = 0.8  # of its entries that are "new" and old at once
_SLACK: Final = timedelta(days=1)  # publishers date a little back
_ANOTHER: Final = 0.6  # likeness of titles below which it is another article


@dataclass(frozen=True, kw_only=True)
class Arrivals:
    """What to do with the entries of a poll. Their ids may differ from those that the feed gives."""

    take: tuple[Article, ...]  # new and edited ones
    held: tuple[Article, ...] = ()


def signature(article: Article, *, full_text: bool) -> str:
    """The form in which an entry was taken: another one means that it must be looked at again."""
    return f"{article.content_hash[:32]}-{article.rights}-{article.weight:g}-{'page' if full_text else 'feed'}"


def reissued(article: Article) -> str:
    """The id of an article whose publisher gave it the id of another."""
    return f"{article.id}#{fingerprint([article.title])[:16]}"


def settle(
    changed: Sequence[Article],
    *,
    shown: Collection[str],
    known: Mapping[str, Article],
    remembered: Collection[str],
    past: Sequence[Article],
    since: datetime | None,
    accepted: bool = False,
) -> Arrivals:
    """Decide about the entries of a source.

    Args:
        changed: those of its entries that are not as they were when last taken.
        shown: the ids of all entries that it shows.
        known: stored articles by id, asked for with the ids of the entries and their `reissued` ones.
        remembered: the feed's ids of entries that were taken before, under whatever id they are stored.
        past: the source's latest stored articles.
        since: when it was last asked with success; None for the first time.
        accepted: the operator takes what was held.
    """
    links = {article.url for article in past if article.url}
    titles = {fingerprint([article.title]) for article in past}
    take: list[Article] = []
    held: list[Article] = []
    for article in changed:
        before = known.get(article.id)
        if before is not None:
            take.append(replace(article, id=reissued(article)) if _another(before, article) else article)
        elif article.id in remembered or not past or not _old(article, links, titles, since):
            take.append(_same(article, past, shown, by_link=article.id in remembered))
        else:
            held.append(article)
    if accepted or len(shown) < FEWEST or len(held) <= SHARE * len(shown):
        return Arrivals(take=(*take, *(_same(article, past, shown) for article in held)))
    return Arrivals(take=tuple(take), held=tuple(held))


def _another(before: Article, now: Article) -> bool:
    """Whether an id was given to another article: nothing of the old one is left, neither link, title nor date."""
    if not before.url or before.url == now.url or before.published == now.published:
        return False
    titles = before.title.casefold(), now.title.casefold()
    return SequenceMatcher(None, *titles, autojunk=False).ratio() < _ANOTHER


def _old(article: Article, links: Collection[str], titles: Collection[str], since: datetime | None) -> bool:
    """Whether an unknown id stands for something that was there before."""
    if article.url in links or fingerprint([article.title]) in titles:
        return True
    return since is not None and article.published is not None and article.published < since - _SLACK


def _same(article: Article, past: Sequence[Article], shown: Collection[str], *, by_link: bool = False) -> Article:
    """An article under the id it is known by.

    Known are title and date together, or title and link where it has no date; with `by_link` the link alone. Only when
    one stored article matches, and the source does not show that one too.
    """
    found = [before for before in past if before.id not in shown and _matches(article, before, by_link=by_link)]
    return replace(article, id=found[0].id) if len(found) == 1 else article


def _matches(article: Article, before: Article, *, by_link: bool) -> bool:
    if by_link and article.url and article.url == before.url:
        return True
    if article.title != before.title or article.published != before.published:
        return False
    return article.published is not None or (bool(article.url) and article.url == before.url)
