"""What is a reader's own in a copy: four links and a sentence, put in by a join; and the marks that hold their places.

Nothing that came from outside can hold a mark: each rendering draws its own, after its content is known, and draws
again should the content hold it.
"""

from __future__ import annotations

import re
from binascii import b2a_qp
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from html import escape
from typing import Final
from urllib.parse import urldefrag

from digest.errors import TemplateError
from digest.model import Length, Preferences
from digest.quoted import LINE, SOFT, piece
from digest.render.text import WIDTH, narrow, safe_url, width, wrap

REMAINDER: Final = 9  # characters by which a mark is known that something cut
_DRAWS: Final = 8
_NAME: Final = "Nqxzjv"  # stands for a reader's name in a sentence that is cut at it
_DOT: Final = ord(".")
_SHORT_NAME: Final = 40  # columns of a name that stands whole in the first line
_LETTERS: Final = "A-Za-z0-9\xc0-\xd6\xd8-\xf6\xf8-\u024f"  # one column each, composed, from left to right
_PLAIN_NAME: Final = re.compile(rf"(?!From )[{_LETTERS}]++(?:\.?[ '-][{_LETTERS}]++)*")  # shown as it is, anywhere
_BEFORE_NAME: Final = re.compile(r"[ !#-%(-;=?-~]{0,20}")
_PLAIN_URL: Final = re.compile(  # as it is, anywhere
    r"https?://[a-z0-9.-]++(?::[0-9]++)?+(?:/[A-Za-z0-9._~-]++)*+/?"
)


@dataclass(frozen=True, kw_only=True)
class Reader:
    """For whom a copy is. All four links are absolute http(s) URLs.

    Raises:
        ValueError: a link is not one that may stand in a mail.
    """

    online_url: str  # the edition in a browser; items without a page of their own link into it
    preferences_url: str
    unsubscribe_url: str
    feed_url: str
    name: str = ""
    language: str = ""  # BCP 47; "" is the publication's
    length: Length = Length.FULL
    preferences: Preferences = field(default_factory=Preferences)  # only to say what the reader receives

    def __post_init__(self) -> None:
        if all(map(_PLAIN_URL.fullmatch, (self.preferences_url, self.unsubscribe_url))) and all(
            map(_common, (self.online_url, self.feed_url))
        ):
            return
        for name in ("online_url", "preferences_url", "unsubscribe_url", "feed_url"):
            url = getattr(self, name)
            if not safe_url(url).startswith("http"):
                raise ValueError(f"{name} must be an absolute http(s) URL: {url!r}")


class Field(StrEnum):
    """A place in a body that each reader's copy fills; `Values` come in this order."""

    RECEIVES = "receives"
    ONLINE = "online"
    PREFERENCES = "preferences"
    UNSUBSCRIBE = "unsubscribe"
    FEED = "feed"


Values = tuple[bytes, ...]


@dataclass(frozen=True)
class Marks:
    """The token of one rendering, and the marks of its readers' fields. Letters and digits: nothing escapes them."""

    token: str

    @classmethod
    def draw(cls, token: Callable[[], str], content: str) -> Marks:
        """Marks that the content does not hold.

        Args:
            token: a random word of letters and digits, new at each call.
            content: everything that the rendering may show.

        Raises:
            TemplateError: the source of tokens is not random.
        """
        for _ in range(_DRAWS):
            marks = cls(f"m{token()}m")
            if re.fullmatch(r"[a-z0-9]{18,42}", marks.token) and marks.token[:REMAINDER] not in content:
                return marks
        raise TemplateError(
            "no mark could be drawn that the content does not hold",
            remedy="give the renderer a source of random tokens: 16 to 40 of a-z and 0-9",
        )

    def links(self) -> Mapping[str, str]:
        """Marks in the shape of URLs, by the field's name."""
        return {
            name.value: f"https://{self.token}x{name.value}x.invalid/" for name in Field if name is not Field.RECEIVES
        }

    @property
    def receives(self) -> str:
        """The mark of the sentence that says what a reader receives."""
        return f"{self.token}x{Field.RECEIVES}x"


def links(reader: Reader) -> dict[Field, str]:
    """The links of a reader, as they may stand in an href."""
    return {
        Field.ONLINE: safe(_bare(reader.online_url)),
        Field.PREFERENCES: safe(reader.preferences_url),
        Field.UNSUBSCRIBE: safe(reader.unsubscribe_url),
        Field.FEED: safe(reader.feed_url),
    }


class Receives:
    """The sentence that says what a reader receives, as pieces of both bodies.

    What readers with one choice share of it is encoded once; the name then only stands before or in it. A name that is
    so long that it may be laid out in two lines takes the long way.
    """

    def __init__(
        self, say: Callable[[str, tuple[str, ...], tuple[str, ...]], str], shown: Callable[[str], str]
    ) -> None:
        """Take what says the sentence, of a name, regions and themes; and how it shows the name."""
        self.say = say
        self.shown = shown
        self._shared = lru_cache(maxsize=16_384)(self._split)
        self._nameless = lru_cache(maxsize=1024)(lambda regions, themes: _both(say("", regions, themes)))
        self._named = lru_cache(maxsize=4096)(self._encoded)  # whoever reads two digests, or once more, has one name

    def pieces(self, name: str, regions: tuple[str, ...], themes: tuple[str, ...]) -> tuple[bytes, bytes]:
        """The sentence for the plain text and for the HTML."""
        if not name:
            return self._nameless(regions, themes)
        said = self._shared(regions, themes)
        columns = len(name)
        if columns <= _SHORT_NAME and _PLAIN_NAME.fullmatch(name):
            text = name.encode() if name.isascii() else b2a_qp(name.encode())
            if len(text) >= LINE:  # it takes two lines, encoded
                text = piece(name)
            marked = text = text + SOFT
        else:
            columns, text, marked = self._named(name)
        if said is None or not columns:
            return _both(self.say(name, regions, themes))
        end = said.text if columns <= said.room else said.laid_out(columns)
        return said.before + text + end, said.before + marked + said.html

    def _encoded(self, name: str) -> tuple[int, bytes, bytes]:
        """The columns of a name as it is shown, 0 for too many or none; and the name in plain text and in HTML."""
        name = self.shown(name)
        columns = width(name)
        if not 0 < columns <= _SHORT_NAME:
            return 0, b"", b""
        return columns, piece(name) + SOFT, piece(escape(name, quote=False)) + SOFT

    def _split(self, regions: tuple[str, ...], themes: tuple[str, ...]) -> _Said | None:
        """The sentence, cut at the name; None where the name does not stand at its beginning."""
        before, found, after = self.say(_NAME, regions, themes).partition(_NAME)
        return _Said(before, after) if found and _BEFORE_NAME.fullmatch(before) else None


class _Said:
    """What stands round a name in a sentence: encoded, and laid out for a name of any length."""

    __slots__ = ("_after", "_before", "_first", "_laid", "before", "html", "room", "text")

    def __init__(self, before: str, after: str) -> None:
        self.before = piece(before) + SOFT if before else b""
        self.room = WIDTH - width(before) - width(after)  # columns of a name with which all stands in one line
        self.text = self.html = piece(after)
        if (escaped := escape(after, quote=False)) != after:
            self.html = piece(escaped)
        self._before, self._after = before, after
        # Columns for a name and the rest of the first line, where lines break at spaces alone; else 0.
        self._first = WIDTH - len(before) if narrow(after) and "  " not in after else 0
        self._laid: dict[int, bytes] = {}  # by where the first line ends, or by the columns of the name

    def laid_out(self, columns: int) -> bytes:
        """What comes after a name of so many columns, where it does not fit in one line."""
        end = self._after.rfind(" ", 0, self._first - columns + 1) if self._first else 0
        laid = self._laid.get(end if end > 0 else ~columns)
        if laid is None:
            whole = wrap(f"{self._before}{'x' * columns}{self._after}")
            laid = self._laid[end if end > 0 else ~columns] = piece(whole[len(self._before) + columns :])
        return laid


def own_fields(receives: tuple[bytes, bytes], preferences_url: str, unsubscribe_url: str) -> tuple[Values, Values, str]:
    """The fields of a reader that others do not share, as pieces of the plain text and of the HTML; how to leave."""
    _, *preferences = _pieces(preferences_url)
    leaving, *unsubscribe = _pieces(unsubscribe_url)
    return (
        (receives[0], b"", preferences[0], unsubscribe[0], b""),
        (receives[1], b"", preferences[1], unsubscribe[1], b""),
        leaving,
    )


def common(online_url: str, feed_url: str) -> dict[Field, str]:
    """The fields that all readers of an edition share, by URLs that may stand in a mail."""
    return {Field.ONLINE: safe(_bare(online_url)), Field.FEED: safe(feed_url)}


def safe(url: str) -> str:
    """A link as it may stand in an href."""
    return url if _PLAIN_URL.fullmatch(url) else safe_url(url)


def _bare(url: str) -> str:
    return url if "#" not in url else urldefrag(url).url


def _both(sentence: str) -> tuple[bytes, bytes]:
    text = piece(laid_out := wrap(sentence))
    escaped = escape(sentence, quote=False)
    return text, text if escaped == laid_out else piece(escaped)


def _pieces(url: str) -> tuple[str, bytes, bytes]:
    """A link as it may stand in an href; the same as a piece of the plain text and of the HTML."""
    if _PLAIN_URL.fullmatch(url):
        made = url.encode()
        if len(made) >= LINE:  # two lines, mostly; nothing may start one with a dot
            short = len(made) < 2 * LINE - 1 and made[LINE - 1] != _DOT
            made = made[: LINE - 1] + SOFT + made[LINE - 1 :] if short else piece(url)
        return url, made, made
    url = safe_url(url)
    return url, piece(url), piece(escape(url, quote=False))


# Those that all readers of an edition share.
_common = lru_cache(maxsize=256)(_PLAIN_URL.fullmatch)
