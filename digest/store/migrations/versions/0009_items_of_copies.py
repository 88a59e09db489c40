"""Which items were in an accepted copy, as a bitmap on its delivery."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One column, empty for what was sent before."""
    op.add_column("deliveries", sa.Column("items", sa.LargeBinary(), nullable=True))
