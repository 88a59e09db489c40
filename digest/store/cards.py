"""The desk's card index: one card for each article, by which it is found by word, source, region, theme, date and mark.

A card is written again when its article, its judgement or what an operator decided about it changes: whoever changes
one of these says so (`due`), and `file` writes what is due. `number` grows with the article's date, so that one key is
order, page and date at once; everything else is a word of the one index (words.py): "s:wire", "r:cn-gd", "m:held".
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

import sqlalchemy as sa

from digest.model import RULED, Article, Judgement, Role
from digest.store.articles import Articles, Judged
from digest.store.database import Database
from digest.store.decisions import Act
from digest.store.payload import Payload
from digest.store.schema import cards, cards_due, decisions, edition_stories
from digest.store.words import Asked, asked_of, kept, matching, words_of

Regions = Callable[[str], Iterable[str]]

_PAGE: Final = 500
_HASH_BITS: Final = 20  # of a number; the rest is the article's time in seconds


class Mark(StrEnum):
    """What is remarkable about an article at the desk."""

    HELD = "held"  # no edition uses it until it is released
    WITHDRAWN = "withdrawn"
    CORRECTED = "corrected"
    REFILED = "refiled"
    EDITED = "edited"  # its source brought another version
    RULED = "ruled"  # a filing rule had a say
    UNJUDGED = "unjudged"


_OF_ACTS: Final = {
    Act.HOLD: Mark.HELD,
    Act.WITHDRAW: Mark.WITHDRAWN,
    Act.REFILE: Mark.REFILED,
    Act.CORRECT: Mark.CORRECTED,
}


@dataclass(frozen=True, kw_only=True)
class Card:
    """An article as lists show it."""

    uid: str
    title: str
    source: str
    publisher: str
    language: str
    when: datetime
    version: int
    regions: tuple[str, ...]  # codes of primary and counterpart regions, best first
    themes: tuple[str, ...]  # ids, best first
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Sought:
    """Which cards are sought; what is empty leaves all in.

    Attributes:
        text: words as a person types them; a Latin word also finds those that begin with it.
        source: key of a source.
        region: a code; what lies in it is found.
        theme: an id.
        mark: what is remarkable.
        since: dated from here on.
        until: dated before.
    """

    text: str = ""
    source: str = ""
    region: str = ""
    theme: str = ""
    mark: Mark | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def asked(self) -> list[Asked]:
        """The words that all have to be on the card."""
        tags = ((_SOURCE, self.source), (_REGION, self.region), (_THEME, self.theme), (_MARK, self.mark or ""))
        return [*asked_of(self.text), *((_tag(letter, name), False) for letter, name in tags if name)]


_SOURCE, _REGION, _THEME, _MARK = "s", "r", "t", "m"
_CARD: Final[Payload[Card]] = Payload(Card)


class Cards:
    """`due`, `file`, `find`."""

    def __init__(self, database: Database, articles: Articles) -> None:
        self._database = database
        self._articles = articles

    def due(self, uids: Collection[str]) -> None:
        """Have the cards of these articles written again by the next `file`."""
        if uids:
            with self._database.transaction() as connection:
                rows = [{"article": uid} for uid in sorted(set(uids))]
                connection.execute(self._database.insert(cards_due).on_conflict_do_nothing(), rows)

    def file(self, regions_of: Regions, *, stop: Callable[[], bool] = lambda: False) -> int:
        """Write the cards that are due; how many.

        Args:
            regions_of: from a region to all in which it lies, itself included.
            stop: whether to leave the rest to the next call.
        """
        query, done = sa.select(cards_due.c.article).order_by(cards_due.c.article).limit(_PAGE), 0
        while not stop():
            with self._database.transaction() as connection:
                self._database.serialize(cards)
                uids = list(connection.scalars(query))
                if not uids:
                    break
                connection.execute(sa.delete(cards).where(cards.c.article.in_(uids)))
                connection.execute(sa.delete(cards_due).where(cards_due.c.article.in_(uids)))
                marks = self._marked(connection, uids)
                found = self._articles.some(uids)
                numbers = self._numbers(connection, [judged.article for judged in found.values()])
                rows = [self._row(judged, numbers[uid], marks[uid], regions_of) for uid, judged in found.items()]
                if rows:
                    connection.execute(sa.insert(cards), rows)
                done += len(uids)
        return done

    @staticmethod
    def _numbers(connection: sa.Connection, several: Sequence[Article]) -> dict[str, int]:
        """A free number for each article: many may have come in one second."""
        found: dict[str, int] = {}
        waiting = {article.uid: _number(article) for article in several}
        while waiting:
            query = sa.select(cards.c.number).where(cards.c.number.in_(sorted(waiting.values())))
            taken = {*connection.scalars(query), *found.values()}
            for uid, number in list(waiting.items()):
                if number in taken:
                    waiting[uid] = number + 1
                else:
                    found[uid] = waiting.pop(uid)
                    taken.add(number)
        return found

    @staticmethod
    def _marked(connection: sa.Connection, uids: Sequence[str]) -> dict[str, set[Mark]]:
        """What operators' decisions that hold say of articles; of a story's correction, each of its articles."""
        told = sa.select(edition_stories.c.article, edition_stories.c.story).where(edition_stories.c.article.in_(uids))
        stories: dict[str, set[str]] = {uid: {uid} for uid in uids}
        for row in connection.execute(told):
            stories[row.article].add(row.story)
        names = sorted({name for several in stories.values() for name in several})
        acts: dict[str, set[Mark]] = {}
        for start in range(0, len(names), _PAGE):
            query = sa.select(decisions.c.story, decisions.c.act).where(
                decisions.c.story.in_(names[start : start + _PAGE]),
                decisions.c.act.in_([act.value for act in _OF_ACTS]),
                decisions.c.undone.is_(None),
            )
            for row in connection.execute(query):
                acts.setdefault(row.story, set()).add(_OF_ACTS[Act(row.act)])
        found: dict[str, set[Mark]] = {}
        for uid, several in stories.items():
            others = {mark for name in several - {uid} for mark in acts.get(name, ())} & {Mark.CORRECTED}
            found[uid] = acts.get(uid, set()) | others
        return found

    def _row(self, judged: Judged, number: int, marks: set[Mark], regions_of: Regions) -> dict[str, object]:
        article, judgement = judged.article, judged.judgement
        marks = marks | ({Mark.EDITED} if article.version > 1 else set())
        marks |= {Mark.UNJUDGED} if judgement is None else _ruled(judgement)
        regions = () if judgement is None else judgement.places(Role.PRIMARY, Role.COUNTERPART)
        themes = () if judgement is None else tuple(tag.theme for tag in judgement.themes)
        words = words_of(_text(article))
        words |= {_tag(_REGION, outer) for code in regions for outer in regions_of(code)}
        words |= {_tag(_THEME, theme) for theme in themes}
        words |= {_tag(_MARK, mark) for mark in marks} | {_tag(_SOURCE, article.source)}
        card = Card(
            uid=article.uid,
            title=article.title,
            source=article.source,
            publisher=article.publisher,
            language=article.language,
            when=article.when,
            version=article.version,
            regions=tuple(regions),
            themes=themes,
            marks=tuple(mark for mark in Mark if mark in marks),
        )
        return {
            "number": number,
            "article": article.uid,
            "words": kept(words, sqlite=self._database.is_sqlite),
            "payload": _CARD.dump(card),
        }

    def marks(self, uid: str) -> tuple[Mark, ...]:
        """What is remarkable about an article, by its card."""
        with self._database.reading() as connection:
            found = connection.scalar(sa.select(cards.c.payload).where(cards.c.article == uid))
        return () if found is None else _CARD.load(found).marks

    def find(
        self, sought: Sought, *, after: int = 0, oldest_first: bool = False, limit: int = 50
    ) -> tuple[tuple[int, Card], ...]:
        """Cards with their numbers, newest first; page on with the last number seen.

        Args:
            sought: which.
            after: the last number of the page before; 0 for the first page.
            oldest_first: the other way round.
            limit: how many.
        """
        asked = sought.asked
        if sought.text.strip() and not asked_of(sought.text):
            return ()
        with self._database.reading() as connection:
            rows = connection.execute(
                self._query(asked, sought, after=after, oldest_first=oldest_first, limit=limit)
            ).all()
        return tuple((row.number, _CARD.load(row.payload)) for row in rows)

    def _query(
        self, asked: Sequence[Asked], sought: Sought, *, after: int, oldest_first: bool, limit: int
    ) -> sa.Select[*tuple[object, ...]]:
        key: sa.ColumnElement[int] = cards.c.number
        query = sa.select(cards.c.number, cards.c.payload)
        if asked and self._database.is_sqlite:
            key = sa.literal_column("card_words.rowid", sa.BigInteger)
            query = (
                sa.select(key.label("number"), cards.c.payload)
                .select_from(sa.text("card_words"))
                .join(cards, cards.c.number == key)
                .where(sa.text("card_words MATCH :match").bindparams(match=matching(asked, sqlite=True)))
            )
        elif asked:
            match = matching(asked, sqlite=False)
            query = query.where(sa.text("cards.words @@ CAST(:match AS tsquery)").bindparams(match=match))
        if sought.since is not None:
            query = query.where(key >= _seconds(sought.since) << _HASH_BITS)
        if sought.until is not None:
            query = query.where(key < _seconds(sought.until) << _HASH_BITS)
        if after:
            query = query.where(key > after if oldest_first else key < after)
        return query.order_by(key if oldest_first else key.desc()).limit(limit)


def _text(article: Article) -> str:
    """What of an article is searched: all that it says."""
    said = (article.title, article.publisher, article.byline, article.section, article.agency, article.dateline)
    return "\n".join((*said, *article.keywords, article.teaser, *article.paragraphs))


def _ruled(judgement: Judgement) -> set[Mark]:
    evidence = [one for tag in judgement.regions for one in tag.evidence]
    evidence += [one for tag in judgement.themes for one in tag.evidence]
    return {Mark.RULED} if any(one.where == RULED for one in evidence) else set()


def _tag(letter: str, name: str) -> str:
    """A name as a word: of letters, digits and hyphens, whatever it was made of."""
    return f"{letter}:" + "".join(char if char.isalnum() or char in "-_" else "_" for char in name.casefold())


def _seconds(moment: datetime) -> int:
    return max(int(moment.astimezone(UTC).timestamp()), 0)


def _number(article: Article) -> int:
    """Its time in seconds, and some bits that tell articles of one second apart."""
    bits = int.from_bytes(hashlib.sha256(article.uid.encode()).digest()[:4], "big") & ((1 << _HASH_BITS) - 1)
    return (_seconds(article.when) << _HASH_BITS) + bits
