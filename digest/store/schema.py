"""The tables. A change here needs a migration beside it (docs/store.md); a test compares the two.

Times are UTC; what is only read as a whole is one JSON column (see payload.py); states are the words of the model.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect


class Utc(sa.types.TypeDecorator[datetime]):
    """A time: aware when it comes in, aware and UTC when it comes out. SQLite keeps it as sortable text."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """UTC for the database.

        Raises:
            ValueError: the time is naive.
        """
        if value is None:
            return None
        if value.utcoffset() is None:
            raise ValueError(f"{value!r} has no time zone: the store takes aware times only")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """UTC for us."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


metadata: Final = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite numbers rows by itself only in a column of type INTEGER.
_ID: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default=sa.text("''"))


site: Final = sa.Table(
    "site",
    metadata,
    sa.Column("row", sa.Integer, primary_key=True, autoincrement=False),  # always 1: there is one site
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("created", Utc, nullable=False),
    _text("armed"),  # which database sends (binding.py); a copy carries the note of another
)

# The migration from which on programs may run on these tables (migrating.py).
compatible: Final = sa.Table(
    "compatible",
    metadata,
    sa.Column("row", sa.Integer, primary_key=True, autoincrement=False),  # always 1
    sa.Column("oldest", sa.Text, nullable=False),
)

# ---------------------------------------------------------------------------------------------------------------
# What was picked up

origins: Final = sa.Table(
    "origins",
    metadata,
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("origin", sa.Text, primary_key=True),
    sa.Column("signature", sa.Text, nullable=False),
    sa.Column("at", Utc, nullable=False),
)

problems: Final = sa.Table(
    "problems",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("what", sa.Text, nullable=False),
    _text("place"),
    sa.Column("line", sa.Integer),
    _text("remedy"),
    sa.Column("first", Utc, nullable=False),
    sa.Column("last", Utc, nullable=False),
    sa.Column("times", sa.Integer, nullable=False),
    sa.Column("resolved", Utc),
    sa.Index("ix_problems_source_origin", "source", "origin"),
)

# Live sources that an operator added; those of digest.toml are not here.
sources: Final = sa.Table(
    "sources",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("payload", sa.Text, nullable=False),
    sa.Column("at", Utc, nullable=False),
)

# What the polls of a live source came to, day by day.
polled: Final = sa.Table(
    "polled",
    metadata,
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    *(
        sa.Column(name, sa.Integer, nullable=False)
        for name in ("asked", "unmodified", "failed", "fresh", "edited", "held")
    ),
)

# What is known of a live source between two polls, of both kinds.
polls: Final = sa.Table(
    "polls",
    metadata,
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("payload", sa.Text, nullable=False),
)

articles: Final = sa.Table(
    "articles",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("uid", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("newest", sa.Boolean, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("entry", sa.Text, nullable=False),  # the article's id within its source
    sa.Column("content_hash", sa.Text, nullable=False),
    sa.Column("dated", Utc, nullable=False),  # Article.when
    sa.Column("saved", Utc, nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
    sa.UniqueConstraint("uid", "version"),
    sa.UniqueConstraint("source", "entry", "version"),
    sa.Index("ix_articles_newest_dated", "newest", "dated"),
    sa.Index("ix_articles_source_newest_dated", "source", "newest", "dated"),
)

judgements: Final = sa.Table(
    "judgements",
    metadata,
    sa.Column("article", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("classifier", sa.Text, nullable=False),
    sa.Column("at", Utc, nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
    sa.ForeignKeyConstraint(["article", "version"], ["articles.uid", "articles.version"]),
)

# What the desk finds articles by, one card for each article: as with the archive, `number` grows with the article's
# date, and `words` are prepared by cards.py and indexed by FTS5 (the table card_words, kept by triggers) or as a
# tsvector.
cards: Final = sa.Table(
    "cards",
    metadata,
    sa.Column("number", _ID, primary_key=True, autoincrement=False),
    sa.Column("article", sa.Text, nullable=False, unique=True),  # uid
    sa.Column("words", sa.Text().with_variant(postgresql.TSVECTOR(), "postgresql"), nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
)

# Articles whose card has to be written (again).
cards_due: Final = sa.Table("cards_due", metadata, sa.Column("article", sa.Text, primary_key=True))

# What the desk made of refilings: conditions and what follows, in the order of `place`.
filing_rules: Final = sa.Table(
    "filing_rules",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("place", sa.Integer, nullable=False),
    sa.Column("live", sa.Boolean, nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("at", Utc, nullable=False),
    sqlite_autoincrement=True,  # a number is never given again: evidence and decisions name it
)

decisions: Final = sa.Table(
    "decisions",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("act", sa.Text, nullable=False),
    _text("story"),
    _text("digest"),
    _text("edition"),
    sa.Column("payload", sa.Text, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("at", Utc, nullable=False),
    sa.Column("undone", Utc),
    _text("undone_by"),
    sa.Index("ix_decisions_story", "story"),
    sa.Index("ix_decisions_act", "act"),
)

# ---------------------------------------------------------------------------------------------------------------
# What goes out

editions: Final = sa.Table(
    "editions",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("period", sa.Text, nullable=False),
    sa.Column("starts", Utc, nullable=False),
    sa.Column("ends", Utc, nullable=False),
    sa.Column("number", sa.Integer),  # none while skipped: the running number has no gaps
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    _text("reason"),
    sa.Column("changed", Utc, nullable=False),
    sa.UniqueConstraint("digest", "period"),
    sa.UniqueConstraint("digest", "number"),
)

materials: Final = sa.Table(
    "materials",
    metadata,
    sa.Column("hash", sa.Text, primary_key=True),  # SHA-256, hex
    sa.Column("content", sa.LargeBinary, nullable=False),
)

revisions: Final = sa.Table(
    "revisions",
    metadata,
    sa.Column("edition", sa.Text, sa.ForeignKey("editions.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("hash", sa.Text, nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
    sa.Column("materials", sa.Text, nullable=False),  # {name: hash}
    sa.Column("created", Utc, nullable=False),
    sa.Column("approved", Utc),
    _text("approved_by"),
)

edition_stories: Final = sa.Table(
    "edition_stories",
    metadata,
    sa.Column("edition", sa.Text, sa.ForeignKey("editions.id"), primary_key=True),
    sa.Column("article", sa.Text, primary_key=True),  # uid
    sa.Column("story", sa.Text, nullable=False, index=True),
    sa.Index("ix_edition_stories_article", "article"),
)

# What readers search: the stories of public editions, as lists show them. `number` grows with a story's date, so that
# it is both key and order; `words` are prepared by archive.py, and indexed by FTS5 (the table archive_words, kept by
# triggers) or as a tsvector.
archive: Final = sa.Table(
    "archive",
    metadata,
    sa.Column("number", _ID, primary_key=True, autoincrement=False),
    sa.Column("edition", sa.Text, nullable=False, index=True),
    sa.Column("story", sa.Text, nullable=False),
    sa.Column("words", sa.Text().with_variant(postgresql.TSVECTOR(), "postgresql"), nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
)

# Which revision of an edition stands in the archive.
archived: Final = sa.Table(
    "archived",
    metadata,
    sa.Column("edition", sa.Text, primary_key=True),
    sa.Column("revision", sa.Integer, nullable=False),
)

# Since when a digest is scheduled, and up to when everything that fell due is in `runs`.
schedules: Final = sa.Table(
    "schedules",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("began", Utc, nullable=False),
    sa.Column("seen", Utc, nullable=False),
)

# One row per period that fell due (or whose edition was sent by hand): the claim that nobody else makes it.
runs: Final = sa.Table(
    "runs",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("period", sa.Text, primary_key=True),
    sa.Column("starts", Utc, nullable=False),
    sa.Column("ends", Utc, nullable=False),
    sa.Column("due", Utc, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("held", sa.Boolean, nullable=False),  # it comes later than the grace
    _text("edition"),  # several periods may share one; empty when lapsed
    sa.Column("at", Utc, nullable=False),
    sa.Index("ix_runs_edition", "edition"),
    sa.Index("ix_runs_state", "state"),
)

# ---------------------------------------------------------------------------------------------------------------
# Who gets it

subscribers: Final = sa.Table(
    "subscribers",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),  # the address, normalized for comparing
    sa.Column("address", sa.Text, nullable=False),
    _text("name"),
    sa.Column("created", Utc, nullable=False),
    _text("domain"),  # of the key, behind the @
    sa.Index("ix_subscribers_domain_id", "domain", "id"),
    sqlite_autoincrement=True,
)

subscriptions: Final = sa.Table(
    "subscriptions",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("subscriber", _ID, sa.ForeignKey("subscribers.id"), nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    _text("reason"),
    sa.Column("preferences", sa.Text, nullable=False),
    sa.Column("created", Utc, nullable=False),
    sa.Column("changed", Utc, nullable=False),
    sa.Column("resumes", Utc),  # of a pause that ends by itself
    sa.UniqueConstraint("subscriber", "digest"),
    sa.Index("ix_subscriptions_digest_state_id", "digest", "state", "id"),
    sa.Index(
        "ix_subscriptions_resumes",
        "resumes",
        sqlite_where=sa.text("resumes IS NOT NULL"),
        postgresql_where=sa.text("resumes IS NOT NULL"),
    ),
    sqlite_autoincrement=True,  # a number is never given again: links of old mails name it
)

# Private feeds of readers' own selections. The number stands, signed, in the feed's address; it is never given again.
own_feeds: Final = sa.Table(
    "own_feeds",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("subscription", _ID, sa.ForeignKey("subscriptions.id"), nullable=False, unique=True),
    sa.Column("created", Utc, nullable=False),
    sqlite_autoincrement=True,
)

consents: Final = sa.Table(
    "consents",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("subscription", _ID, sa.ForeignKey("subscriptions.id"), nullable=False),
    sa.Column("given", sa.Boolean, nullable=False),  # false: withdrawn
    sa.Column("at", Utc, nullable=False),
    sa.Column("basis", sa.Text, nullable=False),
    _text("origin"),
    _text("wording"),
    sa.Index("ix_consents_subscription_id", "subscription", "id"),  # the latest one of each
)

# Of somebody who was erased the key is a keyed hash (`links.fingerprints`), and so is no address.
suppressions: Final = sa.Table(
    "suppressions",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("cause", sa.Text, nullable=False),
    _text("evidence"),
    sa.Column("at", Utc, nullable=False),
    sa.Index("ix_suppressions_at_key", "at", "key"),
    sa.Index("ix_suppressions_cause_at_key", "cause", "at", "key"),
)

# Who came and who left, day by day (UTC), as far as the consents have been counted (`growth_seen`).
growth: Final = sa.Table(
    "growth",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("joined", sa.Integer, nullable=False),
    sa.Column("gone", sa.Integer, nullable=False),
)

growth_seen: Final = sa.Table(
    "growth_seen",
    metadata,
    sa.Column("row", sa.Integer, primary_key=True, autoincrement=False),  # always 1
    sa.Column("consent", _ID, nullable=False),
)

# ---------------------------------------------------------------------------------------------------------------
# The ledger

campaigns: Final = sa.Table(
    "campaigns",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("edition", sa.Text, sa.ForeignKey("editions.id"), nullable=False, unique=True),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("audience", sa.Integer, nullable=False),
    _text("key_id"),  # of the key that made the Message-IDs
    sa.Column("started", Utc, nullable=False),
    sa.Column("turn", sa.Integer, nullable=False, server_default=sa.text("0")),  # the newest of its ranges
    # While its audience is frozen page by page (freezing.py): the last subscription that was looked at, and the one at
    # which the last page ends. None: it is whole.
    sa.Column("frozen", _ID),
    sa.Column("through", _ID),
)

# The deliveries of a campaign divided by number, and the turn by which a sender holds each part (see ranges.py).
ranges: Final = sa.Table(
    "ranges",
    metadata,
    sa.Column("campaign", _ID, sa.ForeignKey("campaigns.id"), primary_key=True),
    sa.Column("first", sa.BigInteger, primary_key=True),
    sa.Column("last", sa.BigInteger, nullable=False),
    sa.Column("turn", sa.Integer, nullable=False),
    # Where several machines send (leases.py). `until` is by the database's clock, `due` by that of who sends.
    sa.Column("until", Utc),  # when its lease ends; none: nobody holds it
    sa.Column("share", sa.Float, nullable=False, server_default=sa.text("0")),  # its holder's part of the limits
    sa.Column("sessions", sa.Integer, nullable=False, server_default=sa.text("0")),  # its holder's part of those
    sa.Column("due", Utc),  # when there is something to do; none: all of its copies have come to their end
)

# No foreign key to subscriptions: the ledger must outlive a subscriber who is erased.
deliveries: Final = sa.Table(
    "deliveries",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("campaign", _ID, sa.ForeignKey("campaigns.id"), nullable=False),
    sa.Column("subscription", _ID, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    _text("name"),
    sa.Column("preferences", sa.Text, nullable=False),
    sa.Column("message_id", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("attempts", sa.Integer, nullable=False, server_default=sa.text("0")),
    _text("reason"),
    sa.Column("code", sa.Integer, nullable=False, server_default=sa.text("0")),
    _text("status"),
    _text("reply"),
    sa.Column("ours", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("claimed_at", Utc),
    sa.Column("finished_at", Utc),
    sa.Column("next_attempt_at", Utc),
    sa.Column("items", sa.LargeBinary),  # bitmap of the revision's items that were in an accepted copy; none: not kept
    sa.UniqueConstraint("subscription", "campaign"),
    sa.UniqueConstraint("key", "campaign"),
    sa.Index("ix_deliveries_campaign_state_id", "campaign", "state", "id"),
    sa.Index(
        "ix_deliveries_due",
        "campaign",
        "next_attempt_at",
        sqlite_where=sa.text("state = 'deferred'"),
        postgresql_where=sa.text("state = 'deferred'"),
    ),
)

# How many copies of a campaign are in each state, and how often they were tried: sums over the parts. Kept by triggers
# on deliveries (migration 0017), in the commit that changes them; each session of PostgreSQL has a part of its own.
tallies: Final = sa.Table(
    "tallies",
    metadata,
    sa.Column("campaign", _ID, primary_key=True, autoincrement=False),
    sa.Column("part", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("state", sa.Text, primary_key=True),
    sa.Column("copies", sa.BigInteger, nullable=False),
    sa.Column("attempts", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# What a sender has done since it last wrote its copies' rows; empty but while an edition is sent (see logbook.py).
logbook: Final = sa.Table(
    "logbook",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("campaign", _ID, sa.ForeignKey("campaigns.id"), nullable=False),
    sa.Column("line", sa.Text, nullable=False),
)

# ---------------------------------------------------------------------------------------------------------------
# What readers ask for on the public pages, and the single mails outside editions

requests: Final = sa.Table(
    "requests",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("network", sa.Text, nullable=False),
    sa.Column("at", Utc, nullable=False),
    _text("payload"),  # empty once settled: only the count is kept, for a day
    sa.Column("settled", Utc),
    sa.Index("ix_requests_at_network", "at", "network"),
)

# No foreign key to subscriptions: the ledger must outlive a subscriber who is erased.
notices: Final = sa.Table(
    "notices",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("cause", sa.Text, nullable=False, unique=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("subscription", _ID, nullable=False, server_default=sa.text("0")),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    _text("name"),
    _text("language"),
    sa.Column("payload", sa.Text, nullable=False),
    sa.Column("message_id", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default=sa.text("0")),
    _text("reason"),
    _text("reply"),
    sa.Column("created", Utc, nullable=False),
    sa.Column("claimed_at", Utc),
    sa.Column("finished_at", Utc),
    sa.Column("next_attempt_at", Utc),
    sa.Index("ix_notices_key_kind_created", "key", "kind", "created"),
    sa.Index("ix_notices_state_id", "state", "id"),
)

# ---------------------------------------------------------------------------------------------------------------
# What has been public in feeds (digest/publish/journal.py), and what the WebSub hub was told

feed_entries: Final = sa.Table(
    "feed_entries",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("payload", sa.Text, nullable=False),
)

feed_editions: Final = sa.Table(
    "feed_editions",
    metadata,
    sa.Column("edition", sa.Text, primary_key=True),
    sa.Column("mark", sa.Text, nullable=False),
)

feed_pages: Final = sa.Table(
    "feed_pages",
    metadata,
    sa.Column("folder", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("through", Utc, nullable=False),
    sa.Column("ids", sa.Text, nullable=False),
    sa.Column("documents", sa.Text, nullable=False),  # written once; only what is withdrawn is taken out
)

hub_pings: Final = sa.Table(
    "hub_pings",
    metadata,
    sa.Column("topic", sa.Text, primary_key=True),
    sa.Column("changed", Utc, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("due", Utc),
    sa.Column("told", Utc),
    _text("failed"),
)

reads: Final = sa.Table(
    "reads",
    metadata,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("story", sa.Text, primary_key=True),
    sa.Column("count", sa.Integer, nullable=False),
)

# ---------------------------------------------------------------------------------------------------------------
# Who works the desk (digest/operators.py), and what they did. Secrets are hashes, but for the key of the second factor.

operators: Final = sa.Table(
    "operators",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("address", sa.Text, nullable=False, unique=True),
    _text("name"),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    _text("password"),  # argon2id, with its own salt and cost
    _text("factor"),  # sealed key of the second factor; empty without one
    sa.Column("factor_step", sa.BigInteger, nullable=False, server_default=sa.text("0")),  # the last one used
    _text("recovery"),  # hashes of codes not used yet
    _text("link"),  # hash of the one-time link by which a password is chosen
    sa.Column("link_until", Utc),
    sa.Column("created", Utc, nullable=False),
    sa.Column("seen", Utc),
)

sessions: Final = sa.Table(
    "sessions",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("hash", sa.Text, nullable=False, unique=True),
    sa.Column("operator", _ID, sa.ForeignKey("operators.id"), nullable=False, index=True),
    sa.Column("passed", sa.Boolean, nullable=False),
    sa.Column("created", Utc, nullable=False),
    sa.Column("seen", Utc, nullable=False, index=True),
    _text("network"),
    _text("agent"),
)

api_tokens: Final = sa.Table(
    "api_tokens",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("hash", sa.Text, nullable=False, unique=True),
    sa.Column("operator", _ID, sa.ForeignKey("operators.id"), nullable=False, index=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("scopes", sa.Text, nullable=False),
    sa.Column("created", Utc, nullable=False),
    sa.Column("expires", Utc),
    sa.Column("used", Utc),
    sa.Column("ended", Utc),
)

# Attempts to sign in, for a while: how many a network, and an address, may make is counted over all processes.
attempts: Final = sa.Table(
    "attempts",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("at", Utc, nullable=False),
    sa.Index("ix_attempts_key_at", "key", "at"),
    sa.Index("ix_attempts_at", "at"),
)

# Triggers of both databases refuse UPDATE and DELETE (migration 0011).
audit: Final = sa.Table(
    "audit",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("at", Utc, nullable=False, index=True),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("operator", _ID),
    sa.Column("via", sa.Text, nullable=False),
    _text("origin"),
    sa.Column("act", sa.Text, nullable=False),
    _text("object"),
    sa.Column("details", sa.Text, nullable=False),
    sa.Index("ix_audit_who_id", "who", "id"),
    sa.Index("ix_audit_act_id", "act", "id"),
    sa.Index("ix_audit_object_id", "object", "id"),
)

# Settings that an operator changed at the desk; they stand over digest.toml, and under the environment.
overrides: Final = sa.Table(
    "overrides",
    metadata,
    sa.Column("path", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("at", Utc, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
)

# ---------------------------------------------------------------------------------------------------------------
# The API: what was answered under a key of the caller's (none while it is under way), and what happened

answers: Final = sa.Table(
    "answers",
    metadata,
    sa.Column("owner", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("request", sa.Text, nullable=False),  # SHA-256 of method, path and body, hex
    sa.Column("at", Utc, nullable=False, index=True),
    sa.Column("status", sa.Integer),
    _text("headers"),
    sa.Column("body", sa.LargeBinary),
)

events: Final = sa.Table(
    "events",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("at", Utc, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    _text("by"),  # empty: nobody's act, but what it led to
    sa.Column("details", sa.Text, nullable=False),
)
