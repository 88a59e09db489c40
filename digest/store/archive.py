"""The archive: stories of public editions, found by word, region and theme, newest first.

Words are prepared by words.py, alike for both databases; regions and themes are words too ("r:cn-gd", "t:trade").
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC
from typing import Final

import sqlalchemy as sa

from digest.model import Article, Edition, Item, Rights, Role
from digest.store.database import Database
from digest.store.editions import Editions
from digest.store.payload import Payload
from digest.store.schema import archive, archived
from digest.store.words import asked_of, kept, matching, words_of

Regions = Callable[[str], Iterable[str]]

_HASH_BITS: Final = 20  # of a number; the rest is the story's time in seconds


@dataclass(frozen=True, kw_only=True)
class Shelved:
    """A story as lists show it: its item without the texts, and its edition without the sections."""

    number: int  # its place in the archive; page on with `before` = the last one seen
    item: Item
    edition: Edition


@dataclass(frozen=True)
class _Kept:
    item: Item
    edition: Edition


_KEPT: Final[Payload[_Kept]] = Payload(_Kept)


class Archive:
    """`sync`, `find`."""

    def __init__(self, database: Database, editions: Editions) -> None:
        self._database = database
        self._editions = editions

    def sync(self, public: Mapping[str, int], regions_of: Regions, *, stop: Callable[[], bool] = lambda: False) -> int:
        """Bring the archive up to what is public; how many editions were filed or taken out.

        Args:
            public: id of each public edition -> number of the revision that is shown.
            regions_of: from a region to all in which it lies, itself included.
            stop: whether to leave the rest to the next call.
        """
        with self._database.reading() as connection:
            known = {row.edition: row.revision for row in connection.execute(sa.select(archived))}
        stale = [edition for edition in known if edition not in public]
        fresh = [edition for edition, number in public.items() if known.get(edition) != number]
        done = 0
        for edition_id in (*stale, *fresh):
            if stop():
                break
            done += 1
            with self._database.transaction() as connection:
                self._database.serialize(archived)
                for table in (archive, archived):
                    connection.execute(sa.delete(table).where(table.c.edition == edition_id))
                if edition_id in public:
                    number = public[edition_id]
                    edition = self._editions.get(edition_id, number).edition
                    connection.execute(sa.insert(archived).values(edition=edition_id, revision=number))
                    rows = [self._row(item, edition, regions_of) for item in edition.items]
                    if rows:
                        connection.execute(self._database.insert(archive).on_conflict_do_nothing(), rows)
        return done

    def _row(self, item: Item, edition: Edition, regions_of: Regions) -> dict[str, object]:
        words = {*words_of(_shown(item)), *_tags(item, regions_of)}
        return {
            "number": _number(item, edition),
            "edition": edition.id,
            "story": item.story.key,
            "words": kept(words, sqlite=self._database.is_sqlite),
            "payload": _KEPT.dump(_Kept(_without_texts(item), replace(edition, sections=(), left_out=(), note=""))),
        }

    def newest(self, limit: int) -> tuple[str, ...]:
        """Keys of the newest stories, each once."""
        query = sa.select(archive.c.story).order_by(archive.c.number.desc()).limit(limit)
        with self._database.reading() as connection:
            return tuple(dict.fromkeys(connection.scalars(query)))

    def find(
        self, text: str = "", *, region: str = "", theme: str = "", before: int = 0, limit: int = 20
    ) -> tuple[Shelved, ...]:
        """Stories in which every word stands, newest first; all of them without words, region and theme.

        Args:
            text: words as a reader types them; a Latin word also finds those that begin with it.
            region: a code; what lies in it is found.
            theme: an id.
            before: the last number of the page before; 0 for the first page.
            limit: how many.
        """
        wanted = asked_of(text)
        if text.strip() and not wanted:
            return ()
        wanted += [(f"r:{region.lower()}", False)] if region else []
        wanted += [(f"t:{theme.lower()}", False)] if theme else []
        query = sa.select(archive.c.number, archive.c.payload).order_by(archive.c.number.desc()).limit(limit)
        if before > 0:
            query = query.where(archive.c.number < before)
        if wanted and self._database.is_sqlite:
            match = matching(wanted, sqlite=True)
            rowid = sa.literal_column("archive_words.rowid", sa.BigInteger)
            query = (
                sa.select(rowid.label("number"), archive.c.payload)
                .select_from(sa.text("archive_words"))
                .join(archive, archive.c.number == rowid)
                .where(sa.text("archive_words MATCH :match").bindparams(match=match))
                .order_by(rowid.desc())
                .limit(limit)
            )
            if before > 0:
                query = query.where(rowid < before)
        elif wanted:
            match = matching(wanted, sqlite=False)
            query = query.where(sa.text("archive.words @@ CAST(:match AS tsquery)").bindparams(match=match))
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return tuple(
            Shelved(number=row.number, item=known.item, edition=known.edition)
            for row in rows
            for known in (_KEPT.load(row.payload),)
        )


def _number(item: Item, edition: Edition) -> int:
    """Its time in seconds, and some bits that tell stories of one second apart."""
    when = int(item.story.lead.when.astimezone(UTC).timestamp())
    mark = hashlib.sha256(f"{edition.id}\x00{item.story.key}".encode()).digest()
    bits = int.from_bytes(mark[:4], "big") & ((1 << _HASH_BITS) - 1)
    return (max(when, 0) << _HASH_BITS) + bits


def _shown(item: Item) -> str:
    """What everybody may read of a story, by its rights."""
    lead, judgement = item.story.lead, item.story.judgement
    parts = [lead.title, lead.publisher, lead.byline, *lead.keywords]
    parts += [article.title for article in item.story.also] + [article.publisher for article in item.story.also]
    if lead.rights is not Rights.HEADLINE:
        parts += judgement.summary
    if lead.rights is Rights.FULL:
        parts += lead.paragraphs
    return "\n".join(parts)


def _tags(item: Item, regions_of: Regions) -> set[str]:
    judgement = item.story.judgement
    regions = {up for code in judgement.places(Role.PRIMARY, Role.COUNTERPART) for up in regions_of(code)}
    themes = {item.theme, *(tag.theme for tag in judgement.themes)} - {""}
    return {f"r:{code.lower()}" for code in regions} | {f"t:{theme.lower()}" for theme in themes}


def _without_texts(item: Item) -> Item:
    def bare(article: Article) -> Article:
        return replace(article, paragraphs=(), keywords=(), teaser="")

    story = item.story
    return replace(
        item, why=(), story=replace(story, lead=bare(story.lead), also=tuple(map(bare, story.also)), related=())
    )
