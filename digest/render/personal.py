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
from digest.quoted import piece
from digest.render.text import safe_url, wrap

REMAINDER: Final = 9  # characters by which a mark is known that something cut
_DRAWS: Final = 8
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


def encoded(reader: Reader, receives: str) -> tuple[Values, Values]:
    """The fields of a reader as pieces of the plain text and of the HTML."""
    online, feed = _common_pieces(_bare(reader.online_url)), _common_pieces(reader.feed_url)
    preferences, unsubscribe = _pieces(reader.preferences_url), _pieces(reader.unsubscribe_url)
    wrapped, marked = wrap(receives), escape(receives)
    text = piece(wrapped)
    html = text if wrapped == marked else piece(marked)
    return (
        (text, online[0], preferences[0], unsubscribe[0], feed[0]),
        (html, online[1], preferences[1], unsubscribe[1], feed[1]),
    )


def safe(url: str) -> str:
    """A link as it may stand in an href."""
    return url if _PLAIN_URL.fullmatch(url) else safe_url(url)


def _bare(url: str) -> str:
    return url if "#" not in url else urldefrag(url).url


def _pieces(url: str) -> tuple[bytes, bytes]:
    """A link as a piece of the plain text and of the HTML."""
    if _PLAIN_URL.fullmatch(url):
        made = piece(url)
        return made, made
    url = safe_url(url)
    return piece(url), piece(escape(url))


# Those that all readers of an edition share.
_common_pieces = lru_cache(maxsize=256)(_pieces)
_common = lru_cache(maxsize=256)(_PLAIN_URL.fullmatch)
