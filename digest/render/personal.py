"""What differs from reader to reader in one rendering: a sentence and four links, put in by a join.

A body is rendered with random marks where these fields go, and cut at them once. Nothing that came from outside can
hold a mark: each rendering draws its own, after its content is known, and draws again should the content hold it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from html import escape
from urllib.parse import urldefrag

from digest.errors import TemplateError
from digest.model import Copy, Length, Preferences
from digest.render.text import safe_url, wrap

_DRAWS = 8


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
        for name in ("online_url", "preferences_url", "unsubscribe_url", "feed_url"):
            url = getattr(self, name)
            if not safe_url(url).startswith("http"):
                raise ValueError(f"{name} must be an absolute http(s) URL: {url!r}")


class Field(StrEnum):
    """A place in a body that each reader's copy fills."""

    RECEIVES = "receives"
    ONLINE = "online"
    PREFERENCES = "preferences"
    UNSUBSCRIBE = "unsubscribe"
    FEED = "feed"


@dataclass(frozen=True, kw_only=True)
class Body:
    """A rendering in pieces: fixed text, and the fields between it. Shared by all readers of one selection.

    `phrase` says what a reader receives, in the body's language.
    """

    subject: str
    text: tuple[str | Field, ...]
    html: tuple[str | Field, ...]
    language: str
    items: int
    phrase: Callable[[Reader], str]

    def for_reader(self, reader: Reader) -> Copy:
        """The copy of one reader: a join. Online, preferences, unsubscribe and feed links are theirs."""
        links = {
            Field.ONLINE: safe_url(urldefrag(reader.online_url).url),
            Field.PREFERENCES: safe_url(reader.preferences_url),
            Field.UNSUBSCRIBE: safe_url(reader.unsubscribe_url),
            Field.FEED: safe_url(reader.feed_url),
        }
        receives = self.phrase(reader)
        plain = {**links, Field.RECEIVES: wrap(receives)}
        marked = {name: escape(value) for name, value in {**links, Field.RECEIVES: receives}.items()}
        return Copy(
            subject=self.subject,
            text=_fill(self.text, plain),
            html=_fill(self.html, marked),
            language=self.language,
            items=self.items,
            unsubscribe=links[Field.UNSUBSCRIBE],
        )


@dataclass(frozen=True)
class Marks:
    """The marks of one rendering. Letters and digits, so that nothing on the way escapes or encodes them."""

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
            if re.fullmatch(r"[a-z0-9]{18,42}", marks.token) and marks.token not in content:
                return marks
        raise TemplateError(
            "no mark could be drawn that the content does not hold",
            remedy="give the renderer a source of random tokens: 16 to 40 of a-z and 0-9",
        )

    def links(self) -> Mapping[str, str]:
        """Marks in the shape of URLs, by the field's name."""
        return {
            name.value: f"https://{self.token}{name.value}.invalid/" for name in Field if name is not Field.RECEIVES
        }

    @property
    def receives(self) -> str:
        """The mark of the sentence that says what a reader receives."""
        return f"{self.token}{Field.RECEIVES}"

    def cut(self, text: str) -> tuple[str | Field, ...]:
        """A rendering cut at its marks."""
        pieces = re.split(rf"(?:https://)?{self.token}([a-z]+)(?:\.invalid/)?", text)
        return tuple(Field(piece) if place % 2 else piece for place, piece in enumerate(pieces))


def _fill(pieces: tuple[str | Field, ...], values: Mapping[Field, str]) -> str:
    return "".join(values[piece] if isinstance(piece, Field) else piece for piece in pieces)
