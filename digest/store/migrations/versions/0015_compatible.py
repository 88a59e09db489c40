"""Which programs may run against these tables while a newer one has already changed them."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One row, written by each program that migrates."""
    op.create_table(
        "compatible",
        sa.Column("row", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("oldest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("row", name="pk_compatible"),
    )
