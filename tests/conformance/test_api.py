"""schemathesis over the whole of /api/v1: every answer is documented, of its documented shape, and never a 5xx."""

from __future__ import annotations

import contextlib
from typing import Any
from unittest import SkipTest

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    ensure_resource_availability,
    negative_data_rejection,
    positive_data_acceptance,
    use_after_free,
)

from tests.api.conftest import Api, api  # noqa: F401 - fixtures
from tests.web.conftest import published  # noqa: F401 - same

LEFT_OUT = (
    positive_data_acceptance,  # whether a story is there, or a digest of that name, is not in a schema: 404, 409, 422
    ensure_resource_availability,
    use_after_free,
)


def run(api: Api, examples: int, mode: GenerationMode) -> int:  # noqa: F811 - a fixture
    """Ask every operation so many things, sent as the schema says or on purpose not so; how many that were."""
    application: Any = api.browser.application
    headers = {"Authorization": f"Bearer {api.publisher}"}
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", application)
    asked = 0
    for found in schema.get_all_operations():
        operation: Any = found.ok()  # type: ignore[union-attr] # a schema of ours has no errors

        @seed(8)
        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Any) -> None:
            nonlocal asked
            asked += 1
            if case.path == "/events/stream":
                case.query = {**(case.query or {}), "seconds": 0}
            # An article is read as pick-up reads it: whatever has a title or a text is one.
            liberal = [negative_data_rejection] if "article" in case.operation.definition.raw["operationId"] else []
            case.call_and_validate(headers=headers, excluded_checks=[*LEFT_OUT, *liberal], timeout=300)

        with contextlib.suppress(Unsatisfiable, SkipTest):  # nothing can be wrong about an operation without fields
            ask()
    return asked


def test_a_few_requests_of_each_operation(api: Api) -> None:  # noqa: F811 - same
    assert run(api, 2, GenerationMode.POSITIVE) >= 100


@pytest.mark.heavy
def test_schemathesis_finds_nothing(api: Api) -> None:  # noqa: F811 - same
    """At least 500 requests that it makes up, well formed and not: no 5xx, and nothing that is not documented."""
    asked = run(api, 12, GenerationMode.POSITIVE) + run(api, 8, GenerationMode.NEGATIVE)
    assert asked >= 500
