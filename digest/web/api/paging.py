"""Pages of lists: a cursor to go on from, never a number of pages. Lists do not count.

    GET /api/v1/deliveries?limit=100  ->  {"items": [...], "next": "eyJ..."}  and  Link: <...after=eyJ...>; rel="next"

A cursor is the sort key of the last item of the page before; it stays good however the list grows or shrinks.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Generic, TypeVar
from urllib.parse import urlencode

from fastapi import Query, Request, Response
from pydantic import BaseModel, Field

from digest.errors import InputError

LIMIT: Final = 50
MOST: Final = 500

Thing = TypeVar("Thing")

Limit = Annotated[int, Query(ge=1, le=MOST, description="Items of a page at most.")]
After = Annotated[
    str,
    Query(
        max_length=300, pattern=r"^[A-Za-z0-9_-]*$", description="The `next` of the page before; empty for the first."
    ),
]


class Page(BaseModel, Generic[Thing]):
    """A page of a list."""

    items: list[Thing]
    next: str | None = Field(default=None, description="Cursor of the next page; null on the last.")


def write(*keys: int | str) -> str:
    """A cursor behind an item with these sort keys."""
    return base64.urlsafe_b64encode(json.dumps(keys, separators=(",", ":")).encode()).rstrip(b"=").decode("ascii")


def read(cursor: str, *kinds: type) -> tuple[Any, ...] | None:
    """The sort keys of a cursor, which must be of these types; None for the first page.

    Raises:
        InputError: it is none of ours.
    """
    if not cursor:
        return None
    try:
        keys = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        keys = None
    fits = isinstance(keys, list) and len(keys) == len(kinds)
    if not fits or not all(type(key) is kind for key, kind in zip(keys, kinds, strict=True)):
        raise InputError("this is no cursor of this list", where="after", remedy="give the `next` of the page before")
    if any(isinstance(key, int) and abs(key) >= 2**63 for key in keys):
        raise InputError("this is no cursor of this list", where="after", remedy="give the `next` of the page before")
    return tuple(keys)


def moment(cursor: str) -> tuple[datetime, str] | None:
    """The time and the key of a cursor; None for the first page.

    Raises:
        InputError: it is none of ours.
    """
    found = read(cursor, str, str)
    if found is None:
        return None
    with contextlib.suppress(ValueError):
        at = datetime.fromisoformat(found[0])
        if at.utcoffset() is not None:
            return at, found[1]
    raise InputError("this is no cursor of this list", where="after", remedy="give the `next` of the page before")


def page(
    request: Request,
    response: Response,
    rows: Sequence[Thing],
    limit: int,
    key: Callable[[Thing], Sequence[int | str]],
) -> tuple[Sequence[Thing], str | None]:
    """The rows of a page, and the cursor of the next one, which also goes into the header Link (RFC 8288).

    Args:
        request: what is answered.
        response: where the header goes.
        rows: one more than `limit` when there are more.
        limit: of the page.
        key: the sort keys of a row.
    """
    if len(rows) <= limit:
        return rows, None
    shown = rows[:limit]
    return shown, link(request, response, write(*key(shown[-1])))


def link(request: Request, response: Response, cursor: str) -> str | None:
    """The cursor of the next page, which also goes into the header Link; None where there is no next page."""
    if not cursor:
        return None
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "after"]
    response.headers["Link"] = f'<{request.url.path}?{urlencode([*kept, ("after", cursor)])}>; rel="next"'
    return cursor
