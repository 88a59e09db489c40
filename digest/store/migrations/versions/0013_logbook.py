"""What a sender has done since it last wrote its copies' rows: one line for each commit."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One table, empty but while an edition is sent."""
    op.create_table(
        "logbook",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("campaign", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["campaign"], ["campaigns.id"], name="fk_logbook_campaign_campaigns"),
        sa.PrimaryKeyConstraint("id", name="pk_logbook"),
    )
