"""Pages by key: the next page begins after the last row of this one, so that a page costs the same however deep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import sqlalchemy as sa

Keys: TypeAlias = Sequence[tuple[sa.ColumnElement[Any], bool]]


def page(query: sa.Select[Any], keys: Keys, after: Sequence[object] | None, limit: int) -> sa.Select[Any]:
    """A query's rows in the order of its keys, those after a place, so many.

    Args:
        query: without an order.
        keys: column and whether it goes down, the most important first; together they are unique, and none is NULL.
        after: the values of the keys in the last row seen; None from the beginning.
        limit: rows.
    """
    if after is not None and len(after) == len(keys):
        before: list[sa.ColumnElement[bool]] = []
        ways = []
        for (column, down), value in zip(keys, after, strict=True):
            given = sa.literal(value, column.type)
            ways.append(sa.and_(*before, column < given if down else column > given))
            before.append(column == given)
        first, down = keys[0]
        start = sa.literal(after[0], first.type)
        # The first condition follows from the second; it is what lets the index be entered at the place.
        query = query.where(first <= start if down else first >= start, sa.or_(*ways))
    return query.order_by(*(column.desc() if down else column.asc() for column, down in keys)).limit(limit)
