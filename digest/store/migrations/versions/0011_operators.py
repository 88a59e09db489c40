"""Who works the desk, their sessions and tokens, and the audit log, which the database lets nobody change."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_SQLITE = (
    *(
        f"""CREATE TRIGGER audit_refuses_{act.lower()} BEFORE {act} ON audit BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only'); END"""
        for act in ("UPDATE", "DELETE")
    ),
    # INSERT OR REPLACE deletes without asking the trigger for DELETE.
    """CREATE TRIGGER audit_refuses_replacing BEFORE INSERT ON audit
    WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id) BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only'); END""",
)
_POSTGRESQL = (
    """CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$""",
    """CREATE TRIGGER audit_refuses_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()""",
)


def upgrade() -> None:
    """Tables of the desk."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    empty = sa.text("''")
    op.create_table(
        "operators",
        sa.Column("id", number, nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), server_default=empty, nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("password", sa.Text(), server_default=empty, nullable=False),
        sa.Column("factor", sa.Text(), server_default=empty, nullable=False),
        sa.Column("factor_step", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("recovery", sa.Text(), server_default=empty, nullable=False),
        sa.Column("link", sa.Text(), server_default=empty, nullable=False),
        sa.Column("link_until", sa.DateTime(timezone=True)),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_operators"),
        sa.UniqueConstraint("address", name="uq_operators_address"),
    )
    op.create_table(
        "sessions",
        sa.Column("id", number, nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("operator", number, nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("network", sa.Text(), server_default=empty, nullable=False),
        sa.Column("agent", sa.Text(), server_default=empty, nullable=False),
        sa.ForeignKeyConstraint(["operator"], ["operators.id"], name="fk_sessions_operator"),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
        sa.UniqueConstraint("hash", name="uq_sessions_hash"),
    )
    op.create_index("ix_sessions_operator", "sessions", ["operator"])
    op.create_index("ix_sessions_seen", "sessions", ["seen"])
    op.create_table(
        "api_tokens",
        sa.Column("id", number, nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("operator", number, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True)),
        sa.Column("used", sa.DateTime(timezone=True)),
        sa.Column("ended", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["operator"], ["operators.id"], name="fk_api_tokens_operator"),
        sa.PrimaryKeyConstraint("id", name="pk_api_tokens"),
        sa.UniqueConstraint("hash", name="uq_api_tokens_hash"),
    )
    op.create_index("ix_api_tokens_operator", "api_tokens", ["operator"])
    op.create_table(
        "attempts",
        sa.Column("id", number, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_attempts"),
    )
    op.create_index("ix_attempts_key_at", "attempts", ["key", "at"])
    op.create_index("ix_attempts_at", "attempts", ["at"])
    op.create_table(
        "audit",
        sa.Column("id", number, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("operator", number),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), server_default=empty, nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), server_default=empty, nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )
    op.create_index("ix_audit_at", "audit", ["at"])
    for name in ("who", "act", "object"):
        op.create_index(f"ix_audit_{name}_id", "audit", [name, "id"])
    op.create_table(
        "overrides",
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("path", name="pk_overrides"),
    )
    for statement in _POSTGRESQL if op.get_bind().dialect.name == "postgresql" else _SQLITE:
        op.execute(statement)
