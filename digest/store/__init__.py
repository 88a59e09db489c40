"""The store: everything that Digest remembers, in SQLite or PostgreSQL. One file per noun.

    with Store.open("sqlite:///var/digest.sqlite3") as store:
        store.migrate(site=secret_site_id, now=now)
        store.articles.save(article, at=now)

    sources       what was picked up from where; live sources    sources.py
    articles      articles, their versions, judgements           articles.py
    cards         by what the desk finds articles                cards.py
    filing        filing rules                                   filing.py
    decisions     what operators decided                         decisions.py
    editions      frozen revisions, states, what was used        editions.py
    runs          what fell due, and what became of it           runs.py
    subscribers   subscriptions, consents, suppressions          subscribers.py
    finding       by what the desk finds subscriptions           finding.py
    growth        who came and who left, day by day              growth.py
    polled        what polls came to, day by day                 polled.py
    campaigns     frozen audiences, deliveries, the ledger       campaigns.py, freezing.py, ledger.py and its parts
    bounces       copies that came back, and what follows        bounces.py
    accepted      copies that servers took, with what was chosen accepted.py
    leases        ranges of campaigns over machines              leases.py
    no_room       whether the server's disk is full              room.py
    binding       which database is armed to send                binding.py
    people        all data of a person; private feeds            people.py
    archive       what readers search                            archive.py
    feeds         what has been public in feeds; the hub         feeds.py
    reports       what became of a campaign, counted             reports.py
    shelf         lists of editions, revisions, campaigns        shelf.py
    requests      what readers ask for on the public pages       requests.py
    notices       single mails outside editions, their ledger    notices.py
    events        what happened, for programs that follow it     events.py
    answers       of the API, by the key of who asks             answers.py
    operators     who works the desk; sessions, tokens           operators.py
    audit         what operators did, append-only                audit.py

Every method is one transaction; inside `with store.transaction():` several become one. All times are aware.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from types import TracebackType
from typing import Self

import sqlalchemy as sa

from digest.store.accepted import AcceptedCopies
from digest.store.address import address_key
from digest.store.answers import Answer, Answers, Begun
from digest.store.archive import Archive, Shelved
from digest.store.articles import Articles, Change, Judged, Saved
from digest.store.audit import Audit, AuditFilter
from digest.store.binding import Binding
from digest.store.bounces import BouncePolicy, Bounces
from digest.store.bounces import Fate as BounceFate
from digest.store.campaigns import Campaign, Campaigns, Queue
from digest.store.cards import Card, Cards, Mark, Sought
from digest.store.comparing import Compared
from digest.store.copying import Copied, Copying
from digest.store.database import WAIT_SECONDS, Database
from digest.store.decisions import Act, Decision, Decisions
from digest.store.editions import Editions, Prepared
from digest.store.events import Event, Events
from digest.store.feeds import Feeds, PageKept, Ping
from digest.store.filing import FilingRules
from digest.store.finding import Finding, Found, FoundPage, Whom
from digest.store.growth import ASKED, Growth, GrowthWeek
from digest.store.leases import Lease, Leases, Part
from digest.store.ledger import CampaignLedger, RefusalPolicy
from digest.store.listing import Listed
from digest.store.migrating import is_current, migrate
from digest.store.notices import Notice, NoticeLedger, Notices
from digest.store.operators import Operators, Overrides
from digest.store.people import People
from digest.store.polled import PollDay, PollDays
from digest.store.ranges import Span
from digest.store.reads import Reads
from digest.store.reports import DomainTally, Reason, Reports
from digest.store.requests import Request, Requests
from digest.store.room import no_room
from digest.store.runs import Known, Owed, Runs, RunState, Settled
from digest.store.schema import site as _site
from digest.store.shelf import CampaignLine, RevisionLine, Shelf
from digest.store.sources import Health, Problem, Sources
from digest.store.subscribers import Fate, Subscribers, Wanted
from digest.store.suppressions import ERASED, Fingerprints, Suppression

__all__ = [
    "ASKED",
    "ERASED",
    "Act",
    "Answer",
    "AuditFilter",
    "Begun",
    "BounceFate",
    "BouncePolicy",
    "Campaign",
    "CampaignLedger",
    "CampaignLine",
    "Card",
    "Change",
    "Compared",
    "Copied",
    "Copying",
    "Decision",
    "DomainTally",
    "Event",
    "Fate",
    "Found",
    "FoundPage",
    "GrowthWeek",
    "Health",
    "Judged",
    "Known",
    "Lease",
    "Listed",
    "Mark",
    "Notice",
    "NoticeLedger",
    "Owed",
    "PageKept",
    "Part",
    "Ping",
    "PollDay",
    "Prepared",
    "Problem",
    "Queue",
    "Reason",
    "RefusalPolicy",
    "Request",
    "RevisionLine",
    "RunState",
    "Saved",
    "Settled",
    "Shelved",
    "Sought",
    "Span",
    "Store",
    "Suppression",
    "Wanted",
    "Whom",
    "address_key",
]


class Store:
    """One database, by noun. May be shared by threads; each thread has its own transactions."""

    def __init__(self, database: Database, fingerprints: Fingerprints = lambda _key: ()) -> None:
        self._database = database
        self.sources = Sources(database)
        self.articles = Articles(database)
        self.cards = Cards(database, self.articles)
        self.filing = FilingRules(database)
        self.decisions = Decisions(database)
        self.editions = Editions(database)
        self.runs = Runs(database)
        self.subscribers = Subscribers(database, fingerprints)
        self.people = People(database, self.subscribers)
        self.archive = Archive(database, self.editions)
        self.finding = Finding(database)
        self.growth = Growth(database)
        self.polled = PollDays(database)
        self.campaigns = Campaigns(database, self.editions)
        self.bounces = Bounces(database, self.campaigns)
        self.leases = Leases(database)
        self.binding = Binding(database)
        self.feeds = Feeds(database)
        self.reads = Reads(database)
        self.reports = Reports(database)
        self.shelf = Shelf(database)
        self.requests = Requests(database)
        self.notices = Notices(database)
        self.accepted = AcceptedCopies(database)
        self.events = Events(database)
        self.answers = Answers(database)
        self.operators = Operators(database)
        self.overrides = Overrides(database)
        self.audit = Audit(database)

    @classmethod
    def open(cls, url: str, *, wait: float = WAIT_SECONDS, fingerprints: Fingerprints = lambda _key: ()) -> Store:
        """The store at an SQLAlchemy URL; an SQLite file is made when there is none. Call `migrate` before use.

        Args:
            url: `sqlite:///path/to/file` or `postgresql+psycopg://user:password@host/name`.
            wait: seconds to wait for another process that is writing.
            fingerprints: from an address to what stands for it once it is erased (`Links.fingerprints`).

        Raises:
            ConfigError: the URL cannot be used.
            StoreError: the file cannot be made or opened.
        """
        return cls(Database(url, wait=wait), fingerprints)

    def migrate(self, *, site: str, now: datetime) -> str:
        """Make the tables, or bring them up to date; the id of the site that the store belongs to.

        Args:
            site: the id to write into a new store (random, made by the caller); an older store keeps its own.
            now: the time.

        Raises:
            StoreError: a migration failed (nothing was changed), or the store is of a newer version.
        """
        with self.transaction():
            migrate(self._database)
            with self._database.transaction() as connection:
                connection.execute(
                    self._database.insert(_site).values(row=1, id=site, created=now).on_conflict_do_nothing()
                )
            return self.site()

    def is_current(self) -> bool:
        """Whether the database answers and has the tables of this version.

        Raises:
            StoreError: it does not answer.
        """
        return is_current(self._database)

    def no_room(self) -> str:
        """Why the database's server cannot write; "" where it can (`digest.store.room`).

        Raises:
            StoreError: it does not answer.
        """
        return no_room(self._database)

    @property
    def shared(self) -> bool:
        """Whether several machines may work on this store: they do, where it is a server's."""
        return not self._database.is_sqlite

    def site(self) -> str:
        """The id of the site that this store was made for.

        A copy of an installation carries it too, but not the secret outside the store that must match it.

        Raises:
            StoreError: the store has not been migrated.
        """
        with self._database.reading() as connection:
            return str(connection.scalar(sa.select(_site.c.id)) or "")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything that this thread does inside is kept together, or not at all. Never await inside.

        Raises:
            StoreError: the database failed; nothing of it was kept.
        """
        with self._database.transaction():
            yield

    @contextmanager
    def hold(self, name: str) -> Iterator[None]:
        """Keep every other process out of something ("send weekly-2018-W29") until the end, or until this one dies.

        Raises:
            Busy: another process or thread holds it.
        """
        with self._database.hold(name):
            yield

    def close(self) -> None:
        """Close the connections."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
