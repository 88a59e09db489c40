"""schemathesis over all routes of the pages."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings

from tests.web.conftest import Here, here, make, published  # noqa: F401 - fixtures

pytestmark = pytest.mark.heavy


def test_schemathesis_finds_nothing(here: Here) -> None:  # noqa: F811 - same
    """At least 500 requests that it makes up: no answer of 5xx, none without our headers."""
    application = here.browser.application
    assert isinstance(application, FastAPI)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # GET and HEAD share a function, and so a name
        schema = schemathesis.openapi.from_dict(described(application, here))
    asked = 0

    for operation in schema.get_all_operations():
        strategy = operation.ok().as_strategy()  # type: ignore[union-attr] # a schema of ours has no errors

        @settings(
            max_examples=40,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=strategy)
        def ask(case: schemathesis.Case[Any]) -> None:
            nonlocal asked
            asked += 1
            request = case.as_transport_kwargs(base_url="https://weekly.example.com")
            answer = here.browser.ask(
                request["method"],
                request["url"],
                params=request.get("params"),
                headers=request.get("headers"),
                data=request.get("data"),
            )
            assert answer.status_code < 500, (case.method, case.path, answer.text[:300])
            assert answer.status_code != 422 or "text/html" in answer.headers["content-type"]
            assert "default-src 'none'" in answer.headers["content-security-policy"]

        ask()
    assert asked >= 500


def described(application: FastAPI, here: Here) -> dict[str, object]:  # noqa: F811 - same
    """The routes as OpenAPI, with the forms that FastAPI does not see, and links that work among the made-up ones."""
    schema = application.openapi()
    number = here.reader()
    links, base = here.app.links, "https://weekly.example.com"
    tokens = {
        "/unsubscribe/": links.unsubscribe(number),
        "/preferences/": links.preferences(number),
        "/confirm/": links.confirm([number], here.clock()),
    }
    fields = ("address", "form", "act", "region", "theme", "digest", "more", "length", "language", "day", "hour",
              "zone", "every", "until", "undo", "website")  # fmt: skip
    body = {
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {"type": "object", "properties": {name: {"type": "string"} for name in fields}}
            }
        }
    }
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            if method == "post":
                operation["requestBody"] = body
            for parameter in operation.get("parameters", ()):
                known = next((url for start, url in tokens.items() if path.startswith(start)), "")
                if parameter["name"] == "token" and known:
                    good = known.removeprefix(base).split("/")[2]
                    parameter["schema"] = {"anyOf": [{"type": "string"}, {"const": good}]}
    return schema
