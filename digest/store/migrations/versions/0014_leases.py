"""Leases of ranges: until when one is held, its holder's share of the limits, and when it is due."""

import sqlalchemy as sa
from alembic import op

from digest.store.schema import Utc

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Ranges of campaigns that are under way come out as all done: the next sender divides what is left anew."""
    op.add_column("ranges", sa.Column("until", Utc(), nullable=True))
    op.add_column("ranges", sa.Column("share", sa.Float(), nullable=False, server_default=sa.text("0")))
    op.add_column("ranges", sa.Column("sessions", sa.Integer(), nullable=False, server_default=sa.text("0")))
    op.add_column("ranges", sa.Column("due", Utc(), nullable=True))
