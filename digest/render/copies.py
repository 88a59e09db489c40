"""An edition in one language, rendered once: what every copy of it, its page and its previews are joined from."""

from __future__ import annotations

import threading
from binascii import a2b_qp
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from digest.clean import plain
from digest.model import Copy, EncodedCopy, Length, Picked, Preferences
from digest.render.joins import Body, Plan
from digest.render.personal import Field, Reader, Receives, common, own_fields
from digest.render.selection import Outline, Selection
from digest.render.text import isolate, shorten

SUBJECT: Final = 150  # columns; most clients show 40 to 70
LIMIT: Final = 100_000  # bytes of a mail's HTML; Gmail clips at 102,400
_FIELD: Final = 160  # bytes that a link of a reader may take
KEPT: Final = 2_000_000  # pieces of the selections kept at hand; most are shared: 8 octets each
_AUDIENCES: Final = 4  # with links of their own to the edition and its feed; an installation has one

NOBODY: Final = (b"",) * len(Field)  # the fields of the page for everyone: it has none


@dataclass(frozen=True, slots=True)
class _Joined:
    """What readers with one selection share."""

    subject: str
    text: Plan
    html: Plan
    items: int
    trimmed: int  # items that are left to the web

    @property
    def cost(self) -> int:
        """What it takes at hand: pieces of its own."""
        return len(self.text.pieces) + len(self.html.pieces)


class Bodies:
    """The bodies of a rendering for readers who share the links in `common`; their copies are joined here.

    Selections are planned once and kept, the last ones used, up to `kept` pieces. Safe to share between threads.
    """

    def __init__(
        self,
        outline: Outline,
        bodies: tuple[Body, Body, Body],
        *,
        common: Mapping[Field, str],
        language: str,
        receives: Receives,
        kept: int,
    ) -> None:
        """Take subject, plain text and HTML."""
        self._outline = outline
        self._subject, self._text, self._html = (body.bound(common) for body in bodies)
        self._language = language
        self._receives = receives
        self._room = kept
        self._plans: OrderedDict[tuple[int, tuple[str, ...], tuple[str, ...], bool, bool], _Joined] = OrderedDict()
        self._lock = threading.Lock()

    def encoded(
        self,
        picked: Picked,
        name: str,
        preferences: Preferences,
        *,
        full: bool,
        preferences_url: str,
        unsubscribe_url: str,
    ) -> EncodedCopy:
        """What one reader gets: the parts that were picked for them, with their own links, joined and encoded.

        Args:
            picked: of the edition.
            name: the reader's, or nothing.
            preferences: only to say what they receive.
            full: with summaries.
            preferences_url: an absolute http(s) URL.
            unsubscribe_url: another.
        """
        joined = self.joined(picked, full=full, mail=True)
        receives = self._receives.pieces(name, preferences.regions, preferences.themes)
        text, html, unsubscribe = own_fields(receives, preferences_url, unsubscribe_url)
        return EncodedCopy(
            joined.subject,
            joined.text.fill(text),
            joined.html.fill(html),
            self._language,
            joined.items,
            unsubscribe,
        )

    def trimmed(self, picked: Picked, *, full: bool = True) -> int:
        """How many items a mail of this selection leaves to the web, because mail clients would clip it."""
        return self.joined(picked, full=full, mail=True).trimmed

    def joined(self, picked: Picked, *, full: bool, mail: bool) -> _Joined:
        """What all readers with a selection share."""
        key = (picked.items, picked.sections, picked.themes, full, mail)
        found = self._plans.get(key)
        if found is None:
            found = self._joined(picked, full=full, mail=mail)
            self._keep(key, found)
        else:
            try:  # noqa: SIM105 - `suppress` would be a call for each copy
                self._plans.move_to_end(key)
            except KeyError:  # pragma: no cover - another thread made room
                pass
        return found

    def _joined(self, picked: Picked, *, full: bool, mail: bool) -> _Joined:
        selection, html = self._fitting(picked, full=full, mail=mail)
        return _Joined(
            subject=_subject_line(b"".join(self._subject.plan(selection).pieces)),
            text=self._text.plan(selection),
            html=html,
            items=selection.count,
            trimmed=(selection.items & ~selection.shown).bit_count(),
        )

    def _fitting(self, picked: Picked, *, full: bool, mail: bool) -> tuple[Selection, Plan]:
        """A selection with as many items of each section as mail clients show; the page for everyone shows all."""

        def tried(selection: Selection) -> tuple[Selection, Plan, int]:
            plan = self._html.plan(selection)
            return selection, plan, plan.room(_FIELD, LIMIT) if mail else 0

        whole = tried(everything := Selection(self._outline, picked, full=full, mail=mail))
        if whole[2] <= LIMIT:
            return whole[:2]
        best, low = tried(everything.showing(1)), 1
        high, above, size = max(map(len, everything.reading)), whole[2], best[2]
        while high - low > 1 and size <= LIMIT:
            # Where it would be, were all items as long: nearer than the middle, most of the time.
            guess = low + int((LIMIT - size) / max(1, above - size) * (high - low))
            most = min(max(guess, low + 1), high - 1)
            one = tried(everything.showing(most))
            if one[2] <= LIMIT:
                best, low, size = one, most, one[2]
            else:
                high, above = most, one[2]
        return best[:2]

    def _keep(self, key: tuple[int, tuple[str, ...], tuple[str, ...], bool, bool], made: _Joined) -> None:
        with self._lock:
            if key in self._plans:  # pragma: no cover - another thread was as fast
                return
            self._plans[key] = made
            self._room -= made.cost
            while self._room < 0 and len(self._plans) > 1:
                _, oldest = self._plans.popitem(last=False)
                self._room += oldest.cost


class Parts:
    """A rendering in parts. `encoded` is a reader's copy: a join of bytes; `copy` and `page` are the same, decoded."""

    def __init__(
        self,
        outline: Outline,
        *,
        subject: Body,
        text: Body,
        html: Body,
        language: str,
        receives: Receives,
        kept: int = KEPT,
    ) -> None:
        """Take the bodies.

        Args:
            outline: the edition that was rendered.
            subject: of which a line is made.
            text: the plain text.
            html: the HTML.
            language: BCP 47 tag of the interface.
            receives: says what a reader receives, in that language.
            kept: pieces of selections kept at hand.
        """
        self._outline = outline
        self._cut = (subject, text, html)
        self._language = language
        self._receives = receives
        self._kept = kept
        self._bound: dict[tuple[str, str], Bodies] = {}

    @property
    def everything(self) -> Picked:
        """All items, in the edition's order."""
        return Picked(self._outline.all)

    def bound(self, online_url: str, feed_url: str) -> Bodies:
        """The bodies for all readers with these links to the edition's page and to its feed.

        Raises:
            ValueError: a link is not one that may stand in a mail.
        """
        key = (online_url, feed_url)
        found = self._bound.get(key)
        if found is None:
            while len(self._bound) >= _AUDIENCES:
                self._bound.pop(next(iter(self._bound)))
            found = self._bound[key] = self._bodies(common(online_url, feed_url))
        return found

    def encoded(self, picked: Picked, reader: Reader) -> EncodedCopy:
        """What one reader gets: the parts that were picked for them, with their own links, joined and encoded."""
        return self.bound(reader.online_url, reader.feed_url).encoded(
            picked,
            reader.name,
            reader.preferences,
            full=reader.length is Length.FULL,
            preferences_url=reader.preferences_url,
            unsubscribe_url=reader.unsubscribe_url,
        )

    def copy(self, picked: Picked, reader: Reader) -> Copy:
        """The same, to be looked at."""
        made = self.encoded(picked, reader)
        return Copy(
            subject=made.subject,
            text=decoded(made.text),
            html=decoded(made.html),
            language=made.language,
            items=made.items,
            unsubscribe=made.unsubscribe,
        )

    def page(self) -> tuple[str, str]:
        """The whole edition for everyone, without links of a reader: HTML and plain text."""
        joined = self._bodies({}).joined(self.everything, full=True, mail=False)
        return decoded(joined.html.fill(NOBODY)), decoded(joined.text.fill(NOBODY))

    def _bodies(self, shared: Mapping[Field, str]) -> Bodies:
        return Bodies(
            self._outline,
            self._cut,
            common=shared,
            language=self._language,
            receives=self._receives,
            kept=self._kept,
        )


def decoded(pieces: Iterable[bytes]) -> str:
    """A body again as text, with line feeds."""
    return a2b_qp(b"".join(pieces)).decode().replace("\r\n", "\n")


@lru_cache(maxsize=1024)
def subject_of(rendered: str) -> str:
    """One clean line of what a subject's template gave; "" when it gave nothing."""
    return isolate(shorten(plain(rendered), SUBJECT))


@lru_cache(maxsize=1024)
def _subject_line(body: bytes) -> str:
    return subject_of(decoded([body]))
