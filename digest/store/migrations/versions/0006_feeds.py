"""What has been public in feeds, their archives, and what the hub was told."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Tables of the feeds."""
    op.create_table(
        "feed_entries",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_feed_entries"),
    )
    op.create_table(
        "feed_editions",
        sa.Column("edition", sa.Text(), nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("edition", name="pk_feed_editions"),
    )
    op.create_table(
        "feed_pages",
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("through", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ids", sa.Text(), nullable=False),
        sa.Column("documents", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("folder", "number", name="pk_feed_pages"),
    )
    op.create_table(
        "hub_pings",
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("changed", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due", sa.DateTime(timezone=True)),
        sa.Column("told", sa.DateTime(timezone=True)),
        sa.Column("failed", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.PrimaryKeyConstraint("topic", name="pk_hub_pings"),
    )
