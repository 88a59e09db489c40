"""What the desk finds articles and readers by: cards, filing rules, growth week by week, polls day by day, indexes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# As with the archive: FTS5 keeps no second copy of the words.
_FTS5 = (
    """CREATE VIRTUAL TABLE card_words USING fts5(
        words, content='cards', content_rowid='number', tokenize="unicode61 remove_diacritics 0 tokenchars ':-_'"
    )""",
    """CREATE TRIGGER card_added AFTER INSERT ON cards BEGIN
        INSERT INTO card_words(rowid, words) VALUES (new.number, new.words);
    END""",
    """CREATE TRIGGER card_dropped AFTER DELETE ON cards BEGIN
        INSERT INTO card_words(card_words, rowid, words) VALUES ('delete', old.number, old.words);
    END""",
)
_SQLITE_DOMAIN = "UPDATE subscribers SET domain = substr(key, instr(key, '@') + 1)"
_POSTGRESQL_DOMAIN = "UPDATE subscribers SET domain = split_part(key, '@', 2)"


def upgrade() -> None:
    """Tables, a column and indexes; every article waits for its card, and the weeks so far are counted once."""
    _tables()
    op.add_column("subscribers", sa.Column("domain", sa.Text(), server_default=sa.text("''"), nullable=False))
    sqlite = op.get_bind().dialect.name == "sqlite"
    op.execute(_SQLITE_DOMAIN if sqlite else _POSTGRESQL_DOMAIN)
    op.create_index("ix_subscribers_domain_id", "subscribers", ["domain", "id"])
    op.create_index("ix_decisions_story", "decisions", ["story"])
    op.create_index("ix_decisions_act", "decisions", ["act"])
    op.create_index("ix_edition_stories_article", "edition_stories", ["article"])
    op.create_index("ix_suppressions_at_key", "suppressions", ["at", "key"])
    op.create_index("ix_suppressions_cause_at_key", "suppressions", ["cause", "at", "key"])
    if sqlite:
        for statement in _FTS5:
            op.execute(statement)
    else:
        op.create_index("ix_card_words", "cards", ["words"], postgresql_using="gin")
        # Addresses are found by their beginning: in the order of bytes, whatever the database's own order is.
        op.execute('CREATE INDEX subscribers_by_bytes ON subscribers (key COLLATE "C")')
    op.execute("INSERT INTO cards_due (article) SELECT uid FROM articles WHERE newest")


def _tables() -> None:
    op.create_table(
        "cards",
        sa.Column("number", _ID, autoincrement=False, nullable=False),
        sa.Column("article", sa.Text(), nullable=False),
        sa.Column("words", sa.Text().with_variant(postgresql.TSVECTOR(), "postgresql"), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_cards"),
        sa.UniqueConstraint("article", name="uq_cards_article"),
    )
    op.create_table(
        "cards_due",
        sa.Column("article", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("article", name="pk_cards_due"),
    )
    op.create_table(
        "filing_rules",
        sa.Column("id", _ID, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_filing_rules"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "growth",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("joined", sa.Integer(), nullable=False),
        sa.Column("gone", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("digest", "day", name="pk_growth"),
    )
    op.create_table(
        "growth_seen",
        sa.Column("row", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("consent", _ID, nullable=False),
        sa.PrimaryKeyConstraint("row", name="pk_growth_seen"),
    )
    op.create_table(
        "polled",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        *(
            sa.Column(name, sa.Integer(), nullable=False)
            for name in ("asked", "unmodified", "failed", "fresh", "edited", "held")
        ),
        sa.PrimaryKeyConstraint("source", "day", name="pk_polled"),
    )
