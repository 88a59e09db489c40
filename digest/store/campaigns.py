"""Campaigns: an audience frozen with its preferences, one delivery each; lists and counts of deliveries."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from digest.errors import NotFound, StateError
from digest.model import Delivery, DeliveryState, EditionState, Preferences
from digest.store.address import address_key
from digest.store.claiming import DEFERRED
from digest.store.database import AnyRow, Database
from digest.store.editions import Editions
from digest.store.freezing import Freezer, reopen
from digest.store.ledger import CampaignLedger, RefusalPolicy
from digest.store.logbook import fold_all
from digest.store.ranges import Span, divide, take_over
from digest.store.received import ReceivedElsewhere, other_campaigns
from digest.store.schema import campaigns, deliveries, editions, subscriptions, tallies

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
    whole: bool = True  # false: its audience is not frozen to its end yet; `Campaigns.start` goes on with that


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

    def begin(self, edition_id: str, now: datetime, *, key_id: str = "") -> Campaign:
        """Begin to send an approved edition, with nobody in its audience yet; `start` goes on.

        For who commits something else with it. Begun again, it comes back as it is.

        Raises:
            NotFound: there is no such edition.
            StateError: it is not approved, or it was sent.
        """
        with self._database.transaction() as connection:
            self._database.serialize(campaigns)
            revision = self._editions.approved(edition_id)
            campaign = self._find(connection, edition_id)
            if campaign is not None and not campaign.whole:
                reopen(connection, edition_id)
            self._editions.move(edition_id, EditionState.SENDING, now)
            if campaign is not None:
                return campaign
            through = connection.scalar(sa.select(sa.func.coalesce(sa.func.max(subscriptions.c.id), 0)))
            connection.execute(
                sa.insert(campaigns).values(
                    edition=edition_id,
                    revision=revision.number,
                    audience=0,
                    key_id=key_id,
                    started=now,
                    frozen=0,
                    through=through,
                )
            )
        return self.get(edition_id)

    def start(
        self,
        edition_id: str,
        make_message_id: Callable[[int], str],
        now: datetime,
        *,
        key_id: str = "",
        wait: Callable[[Preferences], datetime | None] = lambda _preferences: None,
    ) -> Campaign:
        """Begin to send an approved edition: its audience and their preferences are frozen, page by page.

        Started again, it comes back as it is: the audience stays that of the first start. Where that broke off, this
        goes on with it. The edition becomes "sending" (also again, after a pause).

        Args:
            edition_id: of an edition that is approved, or being sent.
            make_message_id: from a subscription's id to its Message-ID, angle brackets included.
            now: the time.
            key_id: of the key behind `make_message_id`, kept with the campaign.
            wait: until when a reader wants to wait for their copy; it is deferred until then. None: at once.

        Raises:
            NotFound: there is no such edition.
            StateError: it is not approved, or it was sent; it was cancelled while its audience was frozen.
        """
        campaign = self.begin(edition_id, now, key_id=key_id)
        if campaign.whole:
            return campaign
        digest = self._editions.approved(edition_id).edition.digest
        freezer = Freezer(self._database, edition_id, digest, make_message_id, wait)
        while freezer.page():
            pass
        campaign = self.get(edition_id)
        if not campaign.whole:
            raise StateError(f"edition {edition_id}", self._editions.state(edition_id), "go on with it")
        return campaign

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

        It is not while its audience is being frozen.

        Raises:
            NotFound: the campaign has not started.
        """
        with self._database.transaction():
            self._database.serialize(campaigns)
            tally = self.tally(edition_id)
            if not self.get(edition_id).whole or any(tally[state] for state in _WAITING):
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
        """Number of the newest campaign (0: there is none) and the attempts of all its copies: both only ever grow.

        An attempt counts when it is over: a claim is taken back where a copy then waits for its slot.
        """
        newest = sa.select(sa.func.coalesce(sa.func.max(campaigns.c.id), 0))
        fold_all(self._database)
        with self._database.reading() as connection:
            campaign = int(connection.scalar(newest) or 0)
            under_way = sa.case((tallies.c.state == DeliveryState.CLAIMED.value, tallies.c.copies), else_=0)
            attempts = sa.select(sa.func.sum(tallies.c.attempts - under_way)).where(tallies.c.campaign == campaign)
            return campaign, int(connection.scalar(attempts) or 0)

    def queues(self) -> tuple[Queue, ...]:
        """What is left of each campaign that is being sent or paused, the oldest campaign first."""
        query = (
            sa.select(editions.c.id, editions.c.state, campaigns.c.started, campaigns.c.id.label("campaign"))
            .join_from(campaigns, editions, editions.c.id == campaigns.c.edition)
            .where(editions.c.state.in_([EditionState.SENDING.value, EditionState.PAUSED.value]))
            .order_by(campaigns.c.started)
        )
        first = sa.select(sa.func.min(deliveries.c.next_attempt_at)).where(
            deliveries.c.campaign == sa.bindparam("campaign"), DEFERRED
        )
        found = []
        fold_all(self._database)
        with self._database.reading() as connection:
            for row in connection.execute(query).all():
                copies = _copies(connection, row.campaign)
                found.append(
                    Queue(
                        edition=row.id,
                        state=EditionState(row.state),
                        since=row.started,
                        queued=copies[DeliveryState.QUEUED],
                        claimed=copies[DeliveryState.CLAIMED],
                        deferred=copies[DeliveryState.DEFERRED],
                        next_due=connection.scalar(first, {"campaign": row.campaign}),
                    )
                )
        return tuple(found)

    def tally(self, edition_id: str) -> dict[DeliveryState, int]:
        """How many deliveries of an edition are in each state (every state is there).

        Raises:
            NotFound: the campaign has not started.
        """
        campaign = self.get(edition_id)
        fold_all(self._database)
        with self._database.reading() as connection:
            return _copies(connection, campaign.id)

    def recount(self, edition_id: str) -> dict[DeliveryState, int]:
        """As `tally`, by looking at every delivery: what `tally` has to come to.

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
            whole=row.frozen is None,
        )


def _copies(connection: Connection, campaign: int) -> dict[DeliveryState, int]:
    """How many deliveries are in each state: kept by triggers, in the commits that change them."""
    query = (
        sa.select(tallies.c.state, sa.func.sum(tallies.c.copies).label("n"))
        .where(tallies.c.campaign == campaign)
        .group_by(tallies.c.state)
    )
    found = {row.state: int(row.n) for row in connection.execute(query)}
    return {state: found.get(state.value, 0) for state in DeliveryState}


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
