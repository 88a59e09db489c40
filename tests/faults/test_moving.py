"""A store moves from PostgreSQL back to SQLite, killed at any point: the tests of the way there, on the way back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.store.conftest import MakeUrl, postgresql  # noqa: F401 - a fixture
from tests.store.test_copying import (
    filled,
    test_a_copy_beside_the_store_is_not_armed,
    test_killed_again_and_again_it_goes_on_where_it_was,
    test_killed_between_closing_the_old_and_opening_the_new_neither_goes_on,
    test_nobody_may_be_sending_and_nobody_writes_meanwhile,
    test_the_comparison_sees_what_differs,
    test_who_ran_on_the_old_store_sends_no_more,
)

__all__ = [
    "test_a_copy_beside_the_store_is_not_armed",
    "test_killed_again_and_again_it_goes_on_where_it_was",
    "test_killed_between_closing_the_old_and_opening_the_new_neither_goes_on",
    "test_nobody_may_be_sending_and_nobody_writes_meanwhile",
    "test_the_comparison_sees_what_differs",
    "test_who_ran_on_the_old_store_sends_no_more",
]
pytestmark = pytest.mark.heavy


@pytest.fixture
def urls(postgresql: MakeUrl, tmp_path: Path) -> tuple[str, str]:  # noqa: F811 - the fixture
    """From PostgreSQL to SQLite."""
    old = postgresql(f"back_{tmp_path.name}"[:60])
    filled(old)
    return old, f"sqlite:///{tmp_path / 'digest.sqlite3'}"
