"""Audiences are frozen page by page; and how many copies of a campaign are in each state is counted as they change.

The counts are kept by triggers, in the commit that changes the copies, so they hold whatever changes them: a program of
an older version too.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_ADD = """INSERT INTO tallies (campaign, part, state, copies, attempts)
    VALUES (NEW.campaign, 0, NEW.state, 1, NEW.attempts) ON CONFLICT (campaign, part, state)
    DO UPDATE SET copies = copies + 1, attempts = attempts + excluded.attempts;"""
_TAKE = """UPDATE tallies SET copies = copies - 1, attempts = attempts - OLD.attempts
    WHERE campaign = OLD.campaign AND part = 0 AND state = OLD.state;"""
_SQLITE = (
    f"CREATE TRIGGER deliveries_counted_coming AFTER INSERT ON deliveries BEGIN {_ADD} END",
    f"CREATE TRIGGER deliveries_counted_going AFTER DELETE ON deliveries BEGIN {_TAKE} END",
    f"""CREATE TRIGGER deliveries_counted_changing AFTER UPDATE OF campaign, state, attempts ON deliveries
    WHEN NEW.state <> OLD.state OR NEW.attempts <> OLD.attempts OR NEW.campaign <> OLD.campaign
    BEGIN {_TAKE} {_ADD} END""",
)
# A session counts in rows of its own (`part`), so that senders do not wait for each other. Sums are what is meant.
_COUNT = """INSERT INTO tallies AS t (campaign, part, state, copies, attempts)
    SELECT campaign, pg_backend_pid(), state, sum(copies), sum(attempts) FROM ({changes}) AS changes
    GROUP BY campaign, state HAVING sum(copies) <> 0 OR sum(attempts) <> 0
    ON CONFLICT (campaign, part, state)
    DO UPDATE SET copies = t.copies + excluded.copies, attempts = t.attempts + excluded.attempts;"""
_CAME = "SELECT campaign, state, 1 AS copies, attempts FROM came"
_GONE = "SELECT campaign, state, -1 AS copies, -attempts AS attempts FROM gone"
_KINDS = (
    ("coming", "INSERT", "NEW TABLE AS came", _CAME),
    ("going", "DELETE", "OLD TABLE AS gone", _GONE),
    ("changing", "UPDATE", "OLD TABLE AS gone NEW TABLE AS came", f"{_GONE} UNION ALL {_CAME}"),
)
_POSTGRESQL = tuple(
    statement
    for name, act, tables, changes in _KINDS
    for statement in (
        f"""CREATE FUNCTION count_deliveries_{name}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN {_COUNT.format(changes=changes)} RETURN NULL; END $$""",
        f"""CREATE TRIGGER deliveries_counted_{name} AFTER {act} ON deliveries REFERENCING {tables}
        FOR EACH STATEMENT EXECUTE FUNCTION count_deliveries_{name}()""",
    )
)


def upgrade() -> None:
    """Two columns, none in campaigns that are there, which are whole; the counts as they are now."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.add_column("campaigns", sa.Column("frozen", number, nullable=True))
    op.add_column("campaigns", sa.Column("through", number, nullable=True))
    op.create_table(
        "tallies",
        sa.Column("campaign", number, autoincrement=False, nullable=False),
        sa.Column("part", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("copies", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("campaign", "part", "state", name="pk_tallies"),
        sqlite_with_rowid=False,
    )
    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL:
        op.execute(statement)  # keeps out who writes deliveries, until this is committed
    op.execute(
        "INSERT INTO tallies (campaign, part, state, copies, attempts) "
        "SELECT campaign, 0, state, count(*), sum(attempts) FROM deliveries GROUP BY campaign, state"
    )
