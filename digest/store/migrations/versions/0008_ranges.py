"""Ranges of a campaign's deliveries, for several senders side by side."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The table of ranges, and the turn of a campaign."""
    op.add_column("campaigns", sa.Column("turn", sa.Integer(), server_default=sa.text("0"), nullable=False))
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "ranges",
        sa.Column("campaign", number, nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["campaign"], ["campaigns.id"], name="fk_ranges_campaign_campaigns"),
        sa.PrimaryKeyConstraint("campaign", "first", name="pk_ranges"),
    )
