"""An edition in one language, rendered once: what every copy of it, its page and its previews are joined from."""

from __future__ import annotations

import threading
from binascii import a2b_qp
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from digest.clean import plain
from digest.model import Copy, EncodedCopy, Length, Picked
from digest.render.parts import Body, Plan
from digest.render.personal import Field, Reader, encoded, safe
from digest.render.selection import Outline, Selection
from digest.render.text import isolate, shorten

SUBJECT: Final = 150  # columns; most clients show 40 to 70
LIMIT: Final = 100_000  # bytes of a mail's HTML; Gmail clips at 102,400
_FIELD: Final = 160  # bytes that a link of a reader may take
KEPT: Final = 2_000_000  # pieces of the selections kept at hand; most are shared: 8 octets each


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


class Parts:
    """A rendering in parts. `encoded` is a reader's copy: a join of bytes; `copy` and `page` are the same, decoded.

    Selections are planned once and kept, the last ones used, up to `KEPT` pieces. Safe to share between threads.
    """

    def __init__(
        self,
        outline: Outline,
        *,
        subject: Body,
        text: Body,
        html: Body,
        language: str,
        receives: Callable[[Reader], str],
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
        self._subject = subject
        self._text = text
        self._html = html
        self._language = language
        self._receives = receives
        self._room = kept
        self._plans: OrderedDict[tuple[Picked, bool, bool], _Joined] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def everything(self) -> Picked:
        """All items, in the edition's order."""
        return Picked(self._outline.all)

    def encoded(self, picked: Picked, reader: Reader) -> EncodedCopy:
        """What one reader gets: the parts that were picked for them, with their own links, joined and encoded."""
        joined = self._joined(picked, full=reader.length is Length.FULL, mail=True)
        text, html = encoded(reader, self._receives(reader))
        return EncodedCopy(
            subject=joined.subject,
            text=joined.text.fill(text),
            html=joined.html.fill(html),
            language=self._language,
            items=joined.items,
            unsubscribe=safe(reader.unsubscribe_url),
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
        joined = self._joined(self.everything, full=True, mail=False)
        return decoded(joined.html.fill(NOBODY)), decoded(joined.text.fill(NOBODY))

    def _joined(self, picked: Picked, *, full: bool, mail: bool) -> _Joined:
        key = (picked, full, mail)
        with self._lock:
            found = self._plans.get(key)
            if found is not None:
                self._plans.move_to_end(key)
        if found is None:
            selection, html = self._fitting(picked, full=full, mail=mail)
            found = _Joined(
                subject=subject_of(decoded(self._subject.plan(selection).fill(NOBODY))),
                text=self._text.plan(selection),
                html=html,
                items=selection.count,
                trimmed=(selection.items & ~selection.shown).bit_count(),
            )
            self._keep(key, found)
        return found

    def _fitting(self, picked: Picked, *, full: bool, mail: bool) -> tuple[Selection, Plan]:
        """A selection with as many items of each section as mail clients show; the page for everyone shows all."""

        def fits(plan: Plan) -> bool:
            room = plan.size + _FIELD * len(plan.own)
            # Encoded it is longer, in Chinese three times: decoded only where that decides.
            return room <= LIMIT or len(decoded(plan.fill((b"x" * _FIELD,) * len(Field))).encode()) <= LIMIT

        def tried(most: int | None) -> tuple[Selection, Plan]:
            selection = Selection(self._outline, picked, full=full, mail=mail, most=most)
            return selection, self._html.plan(selection)

        whole = tried(None)
        if not mail or fits(whole[1]):
            return whole
        longest = max(sum(map(len, groups)) for groups in self._outline.groups)
        best = bisect_left(
            range(longest),
            True,
            key=lambda most: not fits(tried(most + 1)[1]),
        )
        return tried(max(1, best))

    def trimmed(self, picked: Picked, *, full: bool = True) -> int:
        """How many items a mail of this selection leaves to the web, because mail clients would clip it."""
        return self._joined(picked, full=full, mail=True).trimmed

    def _keep(self, key: tuple[Picked, bool, bool], made: _Joined) -> None:
        with self._lock:
            if key in self._plans:  # pragma: no cover - another thread was as fast
                return
            self._plans[key] = made
            self._room -= made.cost
            while self._room < 0 and len(self._plans) > 1:
                _, oldest = self._plans.popitem(last=False)
                self._room += oldest.cost


def decoded(pieces: Iterable[bytes]) -> str:
    """A body again as text, with line feeds."""
    return a2b_qp(b"".join(pieces)).decode().replace("\r\n", "\n")


@lru_cache(maxsize=1024)
def subject_of(rendered: str) -> str:
    """One clean line of what a subject's template gave; "" when it gave nothing."""
    return isolate(shorten(plain(rendered), SUBJECT))
