"""Pauses that end, private feeds, and the archive that readers search."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# FTS5 keeps no second copy of the words; the triggers are those of its manual (external content tables).
_FTS5 = (
    """CREATE VIRTUAL TABLE archive_words USING fts5(
        words, content='archive', content_rowid='number', tokenize="unicode61 remove_diacritics 0 tokenchars ':-_'"
    )""",
    """CREATE TRIGGER archive_added AFTER INSERT ON archive BEGIN
        INSERT INTO archive_words(rowid, words) VALUES (new.number, new.words);
    END""",
    """CREATE TRIGGER archive_dropped AFTER DELETE ON archive BEGIN
        INSERT INTO archive_words(archive_words, rowid, words) VALUES ('delete', old.number, old.words);
    END""",
)


def upgrade() -> None:
    """A column, three tables, and an index of words in the way of each database."""
    op.add_column("subscriptions", sa.Column("resumes", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_subscriptions_resumes",
        "subscriptions",
        ["resumes"],
        sqlite_where=sa.text("resumes IS NOT NULL"),
        postgresql_where=sa.text("resumes IS NOT NULL"),
    )
    op.create_table(
        "own_feeds",
        sa.Column("id", _ID, nullable=False),
        sa.Column("subscription", _ID, nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["subscription"], ["subscriptions.id"], name="fk_own_feeds_subscription"),
        sa.PrimaryKeyConstraint("id", name="pk_own_feeds"),
        sa.UniqueConstraint("subscription", name="uq_own_feeds_subscription"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "archive",
        sa.Column("number", _ID, autoincrement=False, nullable=False),
        sa.Column("edition", sa.Text(), nullable=False),
        sa.Column("story", sa.Text(), nullable=False),
        sa.Column("words", sa.Text().with_variant(postgresql.TSVECTOR(), "postgresql"), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_archive"),
    )
    op.create_index("ix_archive_edition", "archive", ["edition"])
    op.create_table(
        "archived",
        sa.Column("edition", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("edition", name="pk_archived"),
    )
    if op.get_bind().dialect.name == "sqlite":
        for statement in _FTS5:
            op.execute(statement)
    else:
        op.create_index("ix_archive_words", "archive", ["words"], postgresql_using="gin")
