"""Migrations of the store: alembic's environment and versions; run by digest.store.migrating."""
