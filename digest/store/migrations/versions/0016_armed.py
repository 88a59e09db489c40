"""Which database was armed to send from, as an operator said; empty where nobody was asked yet."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One column; the first machine whose own note is right fills it."""
    op.add_column("site", sa.Column("armed", sa.Text(), nullable=False, server_default=sa.text("''")))
