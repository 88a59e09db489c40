"""A real PostgreSQL, as the store's tests have it."""

from tests.store.conftest import postgresql

__all__ = ["postgresql"]
