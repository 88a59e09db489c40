r"""Deterministic JSON of the model's dataclasses: the same value always gives the same bytes.

Keys are sorted, nothing is spaced, text stays readable (no \u escapes), NaN is refused. What is frozen is hashed over
these bytes, so this form must not change; a new form needs a migration.
"""

from __future__ import annotations

import json
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from digest.errors import StoreError

T = TypeVar("T")


def canonical(value: object) -> str:
    """Deterministic JSON of plain values (dicts with string keys, lists, strings, numbers, None)."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


class Payload(Generic[T]):
    """Writes and reads one type of the model."""

    def __init__(self, kind: Any) -> None:
        self._adapter: TypeAdapter[T] = TypeAdapter(kind)
        self._name = getattr(kind, "__name__", str(kind))

    def dump(self, value: T) -> str:
        """The value as deterministic JSON."""
        return canonical(self._adapter.dump_python(value, mode="json"))

    def load(self, text: str) -> T:
        """The value again.

        Raises:
            StoreError: the row was damaged, or written by a newer version of Digest.
        """
        try:
            return self._adapter.validate_json(text)
        except ValidationError as error:
            raise StoreError(
                f"a stored {self._name} cannot be read: {error.error_count()} fields do not fit this version of Digest"
                " (was it written by a newer one? update Digest, or restore the store from a backup)"
            ) from error
