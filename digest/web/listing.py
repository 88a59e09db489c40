"""Lists in a browser: which column sorts, where the page begins, the links to the next one. The store does the work.

A cursor is the place after which a page begins, as the values of its keys: opaque, not secret, checked by its types.
"""

from __future__ import annotations

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from fastapi import Request

_LONGEST: Final = 1_000  # characters of a cursor
_KEYS: Final = 8


def write_cursor(values: Sequence[object]) -> str:
    """The place after a row, by the values of its keys: numbers, texts, times, None."""
    plain = [[value.astimezone(UTC).isoformat()] if isinstance(value, datetime) else value for value in values]
    text = json.dumps(plain, separators=(",", ":"), ensure_ascii=False).encode()
    return urlsafe_b64encode(text).decode().rstrip("=")


def read_cursor(text: str) -> tuple[Any, ...] | None:
    """The values that `write_cursor` was given; None for what it did not write, and for nothing."""
    if not text or len(text) > _LONGEST:
        return None
    try:
        values = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if not isinstance(values, list) or not 0 < len(values) <= _KEYS:
            return None
        return tuple(map(_value, values))
    except (ValueError, binascii.Error, RecursionError):
        return None


def _value(value: object) -> object:
    if isinstance(value, list):
        [text] = value
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
        if moment is None or moment.tzinfo is None:
            raise ValueError(text)
        return moment
    if isinstance(value, dict | float | bool) or (isinstance(value, int) and abs(value) >= 2**63):
        raise ValueError(value)
    return value


@dataclass(frozen=True)
class Column:
    """A column of a table; `sort` is the word by which the store sorts it ("": it cannot); `kind` may be "number"."""

    key: str
    label: str
    sort: str = ""
    kind: str = ""


@dataclass(frozen=True, kw_only=True)
class HeadView:
    """A column's head: its label, where a click leads, and how it is sorted now ("ascending", "descending" or "")."""

    label: str
    href: str
    sorted: str
    kind: str


@dataclass(frozen=True, kw_only=True)
class Listing:
    """One page of a list.

    Attributes:
        sort: word of the column, with "-" before it when it goes down.
        after: values of the keys after which the page begins; None at the beginning.
        limit: rows of a page.
        heads: of the columns.
        first: address of the first page; "" on it.
        older: address of the next page; "" on the last.
        rows: what the page shows, after `shown`.
    """

    sort: str
    after: tuple[Any, ...] | None
    limit: int
    path: str
    asked: tuple[tuple[str, str], ...]
    heads: tuple[HeadView, ...] = ()
    first: str = ""
    older: str = ""
    rows: tuple[Any, ...] = field(default=())

    @classmethod
    def read(
        cls, request: Request, columns: Sequence[Column], *, sort: str, limit: int = 50, prefix: str = ""
    ) -> Listing:
        """What the address asks for; what it asks wrongly, it gets as if it had not asked.

        Args:
            request: with `sort` and `after` among its query; the rest of the query is kept in links.
            columns: of the table.
            sort: the order where none is asked for.
            limit: rows of a page.
            prefix: of the publication's paths (`frame.prefix`).
        """
        words = {column.sort for column in columns if column.sort}
        chosen = request.query_params.get("sort", "")
        chosen = chosen if chosen.removeprefix("-") in words else sort
        asked = tuple(
            (name, value[:500])
            for name, value in request.query_params.multi_items()
            if name not in {"sort", "after"} and value
        )
        plain = cls(sort=chosen, after=None, limit=limit, path=prefix + request.url.path, asked=asked)
        after = read_cursor(request.query_params.get("after", ""))
        heads = tuple(plain._head(column, sort) for column in columns)
        return replace(plain, after=after, heads=heads, first=plain._address() if after else "")

    def shown(self, rows: Sequence[Any], key: Callable[[Any], Sequence[object]]) -> Listing:
        """The page with its rows; one row more than `limit` tells that there is a next page.

        Args:
            rows: up to `limit` + 1.
            key: values of a row's keys, as the store sorts by them.
        """
        page = tuple(rows[: self.limit])
        older = self._address(after=write_cursor(key(page[-1]))) if len(rows) > self.limit else ""
        return replace(self, rows=page, older=older)

    def following(self, rows: Sequence[Any], cursor: str) -> Listing:
        """The page with its rows, where the coordinator made the cursor of the next one ("" at the end)."""
        return replace(self, rows=tuple(rows), older=self._address(after=cursor) if cursor else "")

    def _head(self, column: Column, usual: str) -> HeadView:
        way = ""
        if column.sort and self.sort.removeprefix("-") == column.sort:
            way = "descending" if self.sort.startswith("-") else "ascending"
        first = usual if usual.removeprefix("-") == column.sort else column.sort
        turned = {"ascending": f"-{column.sort}", "descending": column.sort}.get(way, first)
        href = self._address(sort=turned) if column.sort else ""
        return HeadView(label=column.label, href=href, sorted=way, kind=column.kind)

    def _address(self, **more: str) -> str:
        query = [*self.asked, *({"sort": self.sort} | more).items()]
        return f"{quote(self.path)}?{query_of(query)}"


def query_of(pairs: Iterable[tuple[str, str]]) -> str:
    """A query as our own links have it: only what `own` lets stand in an address (blanks as %20)."""
    return "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)
