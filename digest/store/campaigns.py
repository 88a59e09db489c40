"""Campaigns: an audience frozen with its preferences, one delivery each; lists and counts of deliveries."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from digest.errors import NotFound, StateError
from digest.model import Delivery, DeliveryState, EditionState, Preferences, SubscriptionState
from digest.store.address import address_key
from digest.store.database import AnyRow, Database
from digest.store.editions import Editions
from digest.store.ledger import CampaignLedger, RefusalPolicy
from digest.store.logbook import fold_all
from digest.store.ranges import Span, divide, take_over
from digest.store.received import ReceivedElsewhere, other_campaigns
from digest.store.schema import campaigns, deliveries, editions, subscribers, subscriptions, suppressions
from digest.store.subscribers import PREFERENCES

_PAGE: Final = 5000
_TIMED: Final = '"timing":{'  # as payloads are written
_WAITING: Final = (DeliveryState.QUEUED, DeliveryState.CLAIMED, DeliveryState.DEFERRED)


@dataclass(frozen=True, kw_only=True)
class Campaign:
    """The sending of one edition. `audience` counts the deliveries that it began with."""

    id: int
    edition: str
    revision: int  # that it began with; a delivery says which one it got
    audience: int
    key_id: str  # of the key that made its Message-IDs
    started: datetime


@dataclass(frozen=True, kw_only=True)
class Queue:
    """What is left of a campaign. `next_due` is when the first deferred copy may be tried again."""

    edition: str
    state: EditionState
    since: datetime  # when the campaign began
    queued: int = 0
    claimed: int = 0  # being sent now, or in doubt after a crash
    deferred: int = 0
    next_due: datetime | None = None

    @property
    def depth(self) -> int:
        """Copies that have not come to their end."""
        return self.queued + self.claimed + self.deferred

    def due_since(self, now: datetime) -> datetime | None:
        """Since when the oldest copy that could go out now has been waiting; None when none could."""
        moments = [self.since] if self.queued or self.claimed else []
        if self.next_due is not None and self.next_due <= now:
            moments.append(self.next_due)
        return min(moments, default=None)


class Campaigns:
    """`start`, `divide`, `ledger`, `finish`; `tally`, `deliveries`; an operator's acts."""

    def __init__(self, database: Database, editions: Editions) -> None:
        self._database = database
        self._editions = editions

    def start(
        self,
        edition_id: str,
        make_message_id: Callable[[int], str],
        now: datetime,
        *,
        key_id: str = "",
        wait: Callable[[Preferences], datetime | None] = lambda _preferences: None,
    ) -> Campaign:
        """Begin to send an approved edition: its audience and their preferences are frozen, in one transaction.

        Started again, it comes back as it is: the audience stays that of the first start. The edition becomes
        "sending" (also again, after a pause).

        Args:
            edition_id: of an edition that is approved, or being sent.
            make_message_id: from a subscription's id to its Message-ID, angle brackets included.
            now: the time.
            key_id: of the key behind `make_message_id`, kept with the campaign.
            wait: until when a reader wants to wait for their copy; it is deferred until then. None: at once.

        Raises:
            NotFound: there is no such edition.
            StateError: it is not approved, or it was sent.
        """
        with self._database.transaction() as connection:
            self._database.serialize(campaigns)
            revision = self._editions.approved(edition_id)
            self._editions.move(edition_id, EditionState.SENDING, now)
            campaign = self._find(connection, edition_id)
            if campaign is not None:
                return campaign
            number = connection.execute(
                sa.insert(campaigns)
                .values(edition=edition_id, revision=revision.number, audience=0, key_id=key_id, started=now)
                .returning(campaigns.c.id)
            ).scalar_one()
            audience = _freeze_audience(connection, number, revision.edition.digest, make_message_id, wait)
            connection.execute(sa.update(campaigns).where(campaigns.c.id == number).values(audience=audience))
        return self.get(edition_id)

    def get(self, edition_id: str) -> Campaign:
        """The campaign of an edition.

        Raises:
            NotFound: it has none.
        """
        with self._database.reading() as connection:
            campaign = self._find(connection, edition_id)
        if campaign is None:
            raise NotFound("campaign", edition_id)
        return campaign

    def divide(self, edition_id: str, parts: int) -> tuple[Span, ...]:
        """Divide an edition's deliveries by key into at most so many ranges, for as many senders.

        Whoever held a range of it before loses it: call this while `Store.hold` keeps other senders out.

        Raises:
            NotFound: the campaign has not started.
        """
        campaign = self.get(edition_id)
        with self._database.transaction() as connection:
            return divide(connection, campaign.id, parts)

    def take_over(self, edition_id: str, span: Span) -> Span:
        """The same range with the next turn, for who goes on with what a dead sender held.

        Raises:
            NotFound: the campaign has not started.
        """
        campaign = self.get(edition_id)
        with self._database.transaction() as connection:
            return take_over(connection, campaign.id, span)

    def ledger(
        self,
        edition_id: str,
        *,
        only: Collection[str] | None = None,
        policy: RefusalPolicy | None = None,
        span: Span | None = None,
        received_since: datetime | None = None,
    ) -> CampaignLedger:
        """The ledger of an edition's campaign, for one process that sends.

        Args:
            edition_id: of an edition whose campaign has started.
            only: addresses; the ledger then claims their copies only, and leaves the others queued.
            policy: when permanent refusals suppress an address.
            span: a range that `divide` gave; all of the campaign when None, taken from whoever held it.
            received_since: each claim then says what its reader had received, when the campaign began, in editions
                of other digests whose periods end after this. None: nobody asks, and nothing is looked up.

        Raises:
            NotFound: the campaign has not started, or one of `only` is not in its audience.
        """
        campaign = self.get(edition_id)
        numbers = None if only is None else self._delivery_numbers(campaign.id, only)
        span = span or self.divide(edition_id, 1)[0]
        elsewhere = None
        if received_since is not None:
            fold_all(self._database)
            with self._database.reading() as connection:
                others = other_campaigns(connection, edition_id, campaign.id, received_since)
            elsewhere = ReceivedElsewhere(self._database, others, campaign.started)
        return CampaignLedger(
            self._database,
            campaign.id,
            edition_id,
            policy=policy or RefusalPolicy(),
            span=span,
            only=numbers,
            elsewhere=elsewhere,
        )

    def _delivery_numbers(self, campaign: int, addresses: Collection[str]) -> list[int]:
        with self._database.reading() as connection:
            numbers = []
            for address in addresses:
                number = connection.scalar(
                    sa.select(deliveries.c.id).where(
                        deliveries.c.key == address_key(address), deliveries.c.campaign == campaign
                    )
                )
                if number is None:
                    raise NotFound("reader of this edition", address, "the audience is frozen when sending begins")
                numbers.append(number)
        return sorted(numbers)

    def finish(self, edition_id: str, now: datetime) -> bool:
        """Mark an edition as sent when no copy is queued, claimed or deferred any more; whether it is sent now.

        Raises:
            NotFound: the campaign has not started.
        """
        with self._database.transaction():
            self._database.serialize(campaigns)
            tally = self.tally(edition_id)
            if any(tally[state] for state in _WAITING):
                return False
            self._editions.move(edition_id, EditionState.SENT, now)
        return True

    # ---- an operator's acts

    def resend(
        self,
        edition_id: str,
        now: datetime,
        *,
        states: Collection[DeliveryState] = (DeliveryState.REFUSED, DeliveryState.UNCERTAIN),
        addresses: Collection[str] | None = None,
    ) -> int:
        """Queue copies of an edition again, each as a new attempt with the Message-ID that it had; how many.

        The edition is then being sent again, also when it was sent. A copy that is queued, claimed or deferred is on
        its way anyhow and stays as it is.

        Args:
            edition_id: of an edition whose campaign has started.
            now: the time.
            states: of the copies that are meant, where no addresses are named.
            addresses: whose copies are meant, whatever became of them.

        Raises:
            NotFound: the campaign has not started, or an address is not in its audience.
            StateError: the edition was cancelled.
        """
        campaign = self.get(edition_id)
        which = (deliveries.c.campaign == campaign.id) & deliveries.c.state.not_in([one.value for one in _WAITING])
        if addresses is None:
            which &= deliveries.c.state.in_([one.value for one in states])
        else:
            which &= deliveries.c.id.in_(self._delivery_numbers(campaign.id, addresses))
        with self._database.transaction() as connection:
            fold_all(self._database)
            state = self._editions.state(edition_id)
            if state is EditionState.CANCELLED:
                raise StateError(f"edition {edition_id}", state, "send copies of it again")
            count = connection.execute(
                sa.update(deliveries)
                .where(which)
                .values(
                    state=DeliveryState.QUEUED.value,
                    reason="sent again by an operator",
                    finished_at=None,
                    next_attempt_at=None,
                )
            ).rowcount
            if count and state is EditionState.SENT:
                connection.execute(
                    sa.update(editions)
                    .where(editions.c.id == edition_id)
                    .values(state=EditionState.SENDING.value, changed=now)
                )
        return count

    def resolve(self, edition_id: str, now: datetime, *, address: str = "") -> int:
        """Call uncertain copies of an edition (of one address, or all) accepted, as an operator knows; how many.

        Raises:
            NotFound: the campaign has not started, or the address is not in its audience.
        """
        campaign = self.get(edition_id)
        which = (deliveries.c.campaign == campaign.id) & (deliveries.c.state == DeliveryState.UNCERTAIN.value)
        if address:
            which &= deliveries.c.id.in_(self._delivery_numbers(campaign.id, [address]))
        with self._database.transaction() as connection:
            fold_all(self._database)
            return connection.execute(
                sa.update(deliveries)
                .where(which)
                .values(state=DeliveryState.ACCEPTED.value, reason="an operator knows that it arrived", finished_at=now)
            ).rowcount

    def end(self, edition_id: str, reason: str, now: datetime) -> int:
        """Skip every copy of an edition that has not left, for this reason; how many. None when it has no campaign."""
        campaign = sa.select(campaigns.c.id).where(campaigns.c.edition == edition_id).scalar_subquery()
        with self._database.transaction() as connection:
            fold_all(self._database)
            return connection.execute(
                sa.update(deliveries)
                .where(
                    deliveries.c.campaign == campaign,
                    deliveries.c.state.in_([DeliveryState.QUEUED.value, DeliveryState.DEFERRED.value]),
                )
                .values(state=DeliveryState.SKIPPED.value, reason=reason, finished_at=now, next_attempt_at=None)
            ).rowcount

    # ---- read

    def progress(self) -> tuple[int, int]:
        """Number of the newest campaign (0: there is none) and the attempts of all its copies: both only ever grow."""
        newest = sa.select(sa.func.coalesce(sa.func.max(campaigns.c.id), 0))
        fold_all(self._database)
        with self._database.reading() as connection:
            campaign = int(connection.scalar(newest) or 0)
            attempts = sa.select(sa.func.sum(deliveries.c.attempts)).where(deliveries.c.campaign == campaign)
            return campaign, int(connection.scalar(attempts) or 0)

    def queues(self) -> tuple[Queue, ...]:
        """What is left of each campaign that is being sent or paused, the oldest campaign first."""
        count = sa.func.count()
        query = (
            sa.select(
                editions.c.id,
                editions.c.state,
                campaigns.c.started,
                deliveries.c.state.label("copies"),
                count.label("n"),
                sa.func.min(deliveries.c.next_attempt_at).label("first"),
            )
            .join_from(campaigns, editions, editions.c.id == campaigns.c.edition)
            .outerjoin(
                deliveries,
                (deliveries.c.campaign == campaigns.c.id) & deliveries.c.state.in_([state.value for state in _WAITING]),
            )
            .where(editions.c.state.in_([EditionState.SENDING.value, EditionState.PAUSED.value]))
            .group_by(editions.c.id, editions.c.state, campaigns.c.started, deliveries.c.state)
            .order_by(campaigns.c.started)
        )
        found: dict[str, Queue] = {}
        fold_all(self._database)
        with self._database.reading() as connection:
            for row in connection.execute(query):
                queue = found.get(row.id) or Queue(edition=row.id, state=EditionState(row.state), since=row.started)
                match row.copies:
                    case DeliveryState.QUEUED.value:
                        queue = replace(queue, queued=row.n)
                    case DeliveryState.CLAIMED.value:
                        queue = replace(queue, claimed=row.n)
                    case DeliveryState.DEFERRED.value:
                        queue = replace(queue, deferred=row.n, next_due=row.first)
                found[row.id] = queue
        return tuple(found.values())

    def tally(self, edition_id: str) -> dict[DeliveryState, int]:
        """How many deliveries of an edition are in each state (every state is there).

        Raises:
            NotFound: the campaign has not started.
        """
        campaign = self.get(edition_id)
        query = (
            sa.select(deliveries.c.state, sa.func.count().label("n"))
            .where(deliveries.c.campaign == campaign.id)
            .group_by(deliveries.c.state)
        )
        fold_all(self._database)
        with self._database.reading() as connection:
            found = {row.state: row.n for row in connection.execute(query)}
        return {state: found.get(state.value, 0) for state in DeliveryState}

    def deliveries(
        self,
        edition_id: str = "",
        *,
        states: Collection[DeliveryState] = (),
        address: str = "",
        after: int = 0,
        limit: int = 100,
    ) -> tuple[Delivery, ...]:
        """Rows of the ledger (of an edition, in these states, to an address), in order of their numbers.

        Page on with `after` = the last number seen.
        """
        query = (
            sa.select(deliveries, campaigns.c.edition)
            .join_from(deliveries, campaigns, campaigns.c.id == deliveries.c.campaign)
            .where(deliveries.c.id > after)
            .order_by(deliveries.c.id)
            .limit(limit)
        )
        if edition_id:
            query = query.where(campaigns.c.edition == edition_id)
        if states:
            query = query.where(deliveries.c.state.in_([state.value for state in states]))
        if address:
            query = query.where(deliveries.c.key == address_key(address))
        fold_all(self._database)
        with self._database.reading() as connection:
            return tuple(_delivery(row) for row in connection.execute(query))

    def _find(self, connection: Connection, edition_id: str) -> Campaign | None:
        row = connection.execute(sa.select(campaigns).where(campaigns.c.edition == edition_id)).one_or_none()
        if row is None:
            return None
        return Campaign(
            id=row.id,
            edition=row.edition,
            revision=row.revision,
            audience=row.audience,
            key_id=row.key_id,
            started=row.started,
        )


def _freeze_audience(
    connection: Connection,
    campaign: int,
    digest: str,
    make_message_id: Callable[[int], str],
    wait: Callable[[Preferences], datetime | None],
) -> int:
    """One delivery per active subscription whose address is not suppressed; how many. Streamed by key.

    It is queued, or deferred where its reader chose a day or an hour.
    """

    def until(preferences: str) -> datetime | None:
        return wait(PREFERENCES.load(preferences)) if _TIMED in preferences else None  # most chose none: spare reading

    query = (
        sa.select(
            subscriptions.c.id,
            subscriptions.c.preferences,
            subscribers.c.key,
            subscribers.c.address,
            subscribers.c.name,
        )
        .join_from(subscriptions, subscribers, subscribers.c.id == subscriptions.c.subscriber)
        .outerjoin(suppressions, suppressions.c.key == subscribers.c.key)
        .where(
            subscriptions.c.digest == digest,
            subscriptions.c.state == SubscriptionState.ACTIVE.value,
            suppressions.c.key.is_(None),
        )
        .order_by(subscriptions.c.id)
        .limit(_PAGE)
    )
    after = total = 0
    while rows := connection.execute(query.where(subscriptions.c.id > after)).all():
        connection.execute(
            sa.insert(deliveries),
            [
                {
                    "campaign": campaign,
                    "subscription": row.id,
                    "key": row.key,
                    "address": row.address,
                    "name": row.name,
                    "preferences": row.preferences,
                    "message_id": make_message_id(row.id),
                    "state": (DeliveryState.QUEUED if moment is None else DeliveryState.DEFERRED).value,
                    "reason": "" if moment is None else "its reader chose the time",
                    "next_attempt_at": moment,
                }
                for row in rows
                for moment in (until(row.preferences),)
            ],
        )
        after = rows[-1].id
        total += len(rows)
    return total


def _delivery(row: AnyRow) -> Delivery:
    reply = " ".join(part for part in (str(row.code) if row.code else "", row.status, row.reply) if part)
    return Delivery(
        id=row.id,
        edition=row.edition,
        subscription=row.subscription,
        address=row.address,
        state=DeliveryState(row.state),
        message_id=row.message_id,
        revision=row.revision,
        attempts=row.attempts,
        reason=row.reason,
        reply=reply,
        claimed_at=row.claimed_at,
        finished_at=row.finished_at,
        next_attempt_at=row.next_attempt_at,
    )
