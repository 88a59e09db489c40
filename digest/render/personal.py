"""What is a reader's own in a copy: four links and a sentence, put in by a join; and the marks that hold their places.

Nothing that came from outside can hold a mark: each rendering draws its own, after its content is known, and draws
again should the content hold it.
"""

from __future__ import annotations

import re
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
from digest.render.text import WIDTH, safe_url, width, wrap

REMAINDER: Final = 9  # characters by which a mark is known that something cut
_DRAWS: Final = 8
_NAME: Final = "Nqxzjv"  # stands for a reader's name in a sentence that is cut at it
_SHORT_NAME: Final = 40  # columns of a name that stands whole in the first line
_PLAIN_NAME: Final = re.compile(r"(?!From )[A-Za-z0-9]+(?:\.?[ '-][A-Za-z0-9]+)*")  # as it is, anywhere
_BEFORE_NAME: Final = re.compile(r"[ !#-%(-;=?-~]{0,20}")
_PLAIN_URL: Final = re.compile(r"https?://[a-z0-9.-]+(?::[0-9]+)?(?:/[A-Za-z0-9._~-]+)*/?")  # as it is, anywhere


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
        self._tail = lru_cache(maxsize=4096)(self._laid_out)

    def pieces(self, name: str, regions: tuple[str, ...], themes: tuple[str, ...]) -> tuple[bytes, bytes]:
        """The sentence for the plain text and for the HTML."""
        if not name:
            return self._nameless(regions, themes)
        before, room, tail, html = self._shared(regions, themes)
        columns = len(name)
        if columns <= _SHORT_NAME and _PLAIN_NAME.fullmatch(name):
            marked = text = name.encode() + SOFT
        else:
            name = self.shown(name)
            columns = width(name)
            if not 0 < columns <= _SHORT_NAME:
                return _both(self.say(name, regions, themes))
            text = piece(name) + SOFT
            marked = piece(escape(name, quote=False)) + SOFT
        if not html:
            return _both(self.say(name, regions, themes))
        end = tail if columns <= room else self._tail(regions, themes, columns)
        return before + text + end, before + marked + html

    def _split(self, regions: tuple[str, ...], themes: tuple[str, ...]) -> tuple[bytes, int, bytes, bytes]:
        """Before the name; the columns a name may have; after it, in the plain text and in the HTML (or nothing)."""
        before, found, after = self.say(_NAME, regions, themes).partition(_NAME)
        if not found or not _BEFORE_NAME.fullmatch(before):
            return b"", 0, b"", b""
        before_it = piece(before) + SOFT if before else b""
        return before_it, WIDTH - width(before) - width(after), piece(after), piece(escape(after, quote=False))

    def _laid_out(self, regions: tuple[str, ...], themes: tuple[str, ...], columns: int) -> bytes:
        """What comes after a name of so many columns, where it does not fit in one line."""
        before, _, after = self.say(_NAME, regions, themes).partition(_NAME)
        whole = wrap(f"{before}{'x' * columns}{after}")
        return piece(whole[len(before) + columns :])


def own_fields(receives: tuple[bytes, bytes], preferences_url: str, unsubscribe_url: str) -> tuple[Values, Values]:
    """The fields of a reader that others do not share, as pieces of the plain text and of the HTML."""
    preferences, unsubscribe = _pieces(preferences_url), _pieces(unsubscribe_url)
    return (
        (receives[0], b"", preferences[0], unsubscribe[0], b""),
        (receives[1], b"", preferences[1], unsubscribe[1], b""),
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
    return piece(wrap(sentence)), piece(escape(sentence, quote=False))


def _pieces(url: str) -> tuple[bytes, bytes]:
    """A link as a piece of the plain text and of the HTML."""
    if _PLAIN_URL.fullmatch(url):
        made = url.encode() if len(url) < LINE else piece(url)
        return made, made
    url = safe_url(url)
    return piece(url), piece(escape(url, quote=False))


# Those that all readers of an edition share.
_common = lru_cache(maxsize=256)(_PLAIN_URL.fullmatch)
