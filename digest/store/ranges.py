"""Ranges: the parts into which the deliveries of a campaign are divided, by key, for several senders side by side.

Each range carries a turn, a number that grows with every division of its campaign and with every taking over. A
sender holds a range for as long as its turn is the newest: it looks in each commit. So a range is taken from a sender
that died, or that only seems dead, by giving it the next turn; the old one can then neither claim nor let a body leave
(a fencing token). What it had in flight is in doubt, as after a crash.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from digest.store.schema import campaigns, deliveries, ranges

_ALL: Final = 2**62


@dataclass(frozen=True, kw_only=True)
class Span:
    """Deliveries from `first` to `last`, both included, and the turn by which they are held."""

    first: int
    last: int
    turn: int


def divide(connection: Connection, campaign: int, parts: int) -> tuple[Span, ...]:
    """Divide a campaign's deliveries into so many ranges by key; whoever held one before loses it."""
    turn = next_turn(connection, campaign)
    mine = deliveries.c.campaign == campaign
    low, high = connection.execute(
        sa.select(
            sa.func.coalesce(sa.func.min(deliveries.c.id), 0), sa.func.coalesce(sa.func.max(deliveries.c.id), 0)
        ).where(mine)
    ).one()
    width = max(1, -(-(high - low + 1) // parts))
    starts = range(low, high + 1, width)
    spans = tuple(
        Span(first=0 if start == low else start, last=_ALL if start + width > high else start + width - 1, turn=turn)
        for start in starts
    )
    connection.execute(sa.delete(ranges).where(ranges.c.campaign == campaign))
    connection.execute(
        sa.insert(ranges),
        [{"campaign": campaign, "first": one.first, "last": one.last, "turn": one.turn} for one in spans],
    )
    return spans


def take_over(connection: Connection, campaign: int, span: Span) -> Span:
    """The same deliveries with the next turn: whoever held them before loses them."""
    turn = next_turn(connection, campaign)
    its = (ranges.c.campaign == campaign, ranges.c.first == span.first)
    connection.execute(sa.select(ranges.c.turn).where(*its).with_for_update())
    connection.execute(sa.update(ranges).where(*its).values(turn=turn))
    return Span(first=span.first, last=span.last, turn=turn)


def still_ours(campaign: int, span: Span) -> sa.Select[Any]:
    """Gives a row while the span is held by its turn; locks it, so that nobody takes it over before the commit.

    Who takes it over locks the row FOR UPDATE, which waits for this. A lease is renewed (leases.py) beside it.
    """
    return (
        sa.select(ranges.c.turn)
        .where(ranges.c.campaign == campaign, ranges.c.first == span.first, ranges.c.turn == span.turn)
        .with_for_update(read=True, key_share=True)
    )


def next_turn(connection: Connection, campaign: int) -> int:
    """A turn that is newer than every other of a campaign."""
    return int(
        connection.execute(
            sa.update(campaigns)
            .where(campaigns.c.id == campaign)
            .values(turn=campaigns.c.turn + 1)
            .returning(campaigns.c.turn)
        ).scalar_one()
    )
