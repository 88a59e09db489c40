"""What a source gave: a file taken, one that is not ready, one that could not be used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from digest.errors import PickupError
from digest.model import Article


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A file whose articles are here. Call `done` once they are stored; only then does a claimed file leave.

    `problems` are entries of it that could not be used; they did not stop the rest.
    """

    origin: str
    signature: str
    articles: tuple[Article, ...]
    problems: tuple[PickupError, ...] = ()
    finish: Callable[[], None] | None = field(default=None, repr=False, compare=False)

    def done(self) -> None:
        """The articles are stored: move a claimed file on to `taken/`. Harmless when repeated, or when none was."""
        if self.finish is not None:
            self.finish()


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A file that is not ready, and why; the next run looks again."""

    origin: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Aside:
    """A file that could not be used; it, or a copy, lies in `aside/<source>/` with the error beside it."""

    origin: str
    signature: str
    error: PickupError


Found = Taken | Waiting | Aside
