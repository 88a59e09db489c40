"""What the API says about itself: OpenAPI 3.1, and a page made of it, which loads nothing from elsewhere."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.openapi.utils import get_openapi
from starlette.responses import JSONResponse, Response

from digest.web.api.problems import KINDS
from digest.web.documents import Document

_CODE: Final = re.compile(r"`([^`]+)`")
_ABOUT: Final = """\
Everything that the console does. Send `Authorization: Bearer dg_…`; a token's scopes are the permissions named at each
operation. Lists are paged by cursor (`limit`, `after`, `next`, the header `Link`) and count nothing. An act with an
`Idempotency-Key` is done once, however often it is sent. Errors are `application/problem+json`, and say what to do.
"""
_TAGS: Final = {
    "editions": "Compose, look, change, check, prove, approve.",
    "campaigns": "The sending of an edition.",
    "articles": "Send, find, file, hold, withdraw, correct.",
    "sources": "Where articles are picked up.",
    "subscribers": "Who reads what.",
    "events": "What happened.",
    "about": "What there is, and how things stand.",
}
_STYLE: Final = """\
:root{color-scheme:light dark;--line:#8884;--quiet:#8888;--soft:#8881}
body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:60rem;padding:1rem}
h1{font-size:1.6rem}h2{border-top:1px solid var(--line);margin-top:2.5rem;padding-top:1rem}
details{border:1px solid var(--line);border-radius:.4rem;margin:.4rem 0;padding:.4rem .7rem}
summary{cursor:pointer;overflow-wrap:anywhere}summary code{font-size:1rem}
.method{display:inline-block;font:600 .8rem ui-monospace,monospace;min-width:4.2rem}
.scope{border:1px solid var(--line);border-radius:1rem;font-size:.8rem;padding:0 .5rem}
code,pre{font-family:ui-monospace,monospace;font-size:.9rem}
pre{background:var(--soft);border-radius:.4rem;overflow:auto;padding:.6rem}
table{border-collapse:collapse;display:block;max-width:100%;overflow:auto}
th,td{border-bottom:1px solid var(--line);padding:.2rem .8rem .2rem 0;text-align:left;vertical-align:top}
th{font-weight:600}p{max-width:46rem}
"""


def add_routes(api: FastAPI, base: str) -> None:
    """openapi.json, docs and its style sheet: open to all, and cached by their tags."""
    kept: dict[str, Document] = {}
    sheet = Document.of(_STYLE.encode(), "text/css; charset=utf-8")
    name = hashlib.sha256(_STYLE.encode()).hexdigest()[:8]

    def described() -> dict[str, Any]:
        schema = get_openapi(
            title=api.title,
            version=api.version,
            description=_ABOUT,
            routes=api.routes,
            tags=[{"name": tag, "description": text} for tag, text in _TAGS.items()],
            servers=[{"url": base}],
            separate_input_output_schemas=False,
        )
        schema.setdefault("components", {})["securitySchemes"] = {
            "token": {
                "type": "http",
                "scheme": "bearer",
                "description": "A token of the console, or of `digest tokens`.",
            }
        }
        return schema

    api.openapi = described  # type: ignore[method-assign] # FastAPI's own way to another document

    def document_of(kind: str) -> Document:
        if kind not in kept:
            schema = described()
            if kind == "json":
                kept[kind] = Document.of(bytes(JSONResponse(schema).body), "application/json")
            else:
                page = "\n".join(_page(schema, f"docs.css?{name}")).encode()
                kept[kind] = Document.of(page, "text/html; charset=utf-8")
        return kept[kind]

    fresh = {"Cache-Control": "public, max-age=300"}

    def openapi(request: Request) -> Response:
        return document_of("json").answer(request.headers, fresh)

    def docs(request: Request) -> Response:
        return document_of("html").answer(request.headers, fresh)

    def style(request: Request) -> Response:
        return sheet.answer(request.headers, {"Cache-Control": "public, max-age=31536000, immutable"})

    for path, answer in (("/openapi.json", openapi), ("/docs", docs), ("/docs.css", style)):
        api.router.add_api_route(path, answer, methods=["GET"], include_in_schema=False, response_class=Response)


def _page(schema: Mapping[str, Any], sheet: str) -> Iterator[str]:
    """The document as a page: each operation with what it needs, takes and answers; then each kind of problem."""
    title = escape(schema["info"]["title"])
    yield f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
    yield '<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">'
    yield f'<link rel="stylesheet" href="{escape(sheet)}"></head><body><h1>{title}</h1>'
    yield f"<p>{_words(schema['info']['description'])}</p>"
    yield f'<p>Version {escape(schema["info"]["version"])}. <a href="openapi.json">openapi.json</a></p>'
    parts = schema.get("components", {}).get("schemas", {})
    for tag, text in _TAGS.items():
        yield f'<h2 id="{tag}">{tag}</h2><p>{escape(text)}</p>'
        for path, operations in schema["paths"].items():
            for method, operation in operations.items():
                if tag in operation.get("tags", ()):
                    yield from _operation(method, path, operation)
    yield "<h2>Problems</h2><table><tr><th>kind</th><th>status</th><th>means</th></tr>"
    for kind, (status, means) in KINDS.items():
        yield f'<tr id="{kind}"><td><code>{kind}</code></td><td>{status}</td><td>{escape(means)}</td></tr>'
    yield "</table><h2>Shapes</h2>"
    for name, part in sorted(parts.items()):
        yield f'<details id="shape-{escape(name)}"><summary><code>{escape(name)}</code> '
        yield f"{escape(part.get('description', '').partition(chr(10))[0])}</summary>{_fields(part)}</details>"
    yield "</body></html>"


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> Iterator[str]:
    scope = operation.get("x-permission", "")
    yield f'<details id="{operation["operationId"]}"><summary><span class="method">{method.upper()}</span> '
    yield f"<code>{escape(path)}</code> {escape(operation['summary'])} "
    yield f'<span class="scope">{escape(scope)}</span></summary>'
    more = operation.get("description", "").strip()
    if more.rstrip(".") != operation["summary"]:  # the summary is its first line
        yield f"<p>{_words(more)}</p>"
    if operation.get("parameters"):
        yield "<table><tr><th>parameter</th><th>in</th><th>type</th><th></th></tr>"
        for one in operation["parameters"]:
            must = " *" if one.get("required") else ""
            yield f"<tr><td><code>{escape(one['name'])}</code>{must}</td><td>{one['in']}</td>"
            yield f"<td>{_type(one.get('schema', {}))}</td><td>{escape(one.get('description', ''))}</td></tr>"
        yield "</table>"
    content = operation.get("requestBody", {}).get("content", {})
    for kind, body in content.items():
        yield f"<p>Body: <code>{escape(kind)}</code> {_type(body.get('schema', {}))}</p>"
    answers = operation.get("responses", {})
    yield "<table><tr><th>answer</th><th>type</th><th></th></tr>"
    for status, answer in sorted(answers.items()):
        for kind, body in (answer.get("content") or {"": {}}).items():
            shape = "" if "problem" in kind else _type(body.get("schema", {}))
            yield f"<tr><td>{status}</td><td><code>{escape(kind)}</code> {shape}</td>"
            yield f"<td>{escape(answer.get('description', ''))}</td></tr>"
    yield "</table></details>"


def _fields(part: Mapping[str, Any]) -> str:
    rows = [
        f"<tr><td><code>{escape(name)}</code>{' *' if name in part.get('required', ()) else ''}</td>"
        f"<td>{_type(one)}</td><td>{escape(one.get('description', ''))}</td></tr>"
        for name, one in part.get("properties", {}).items()
    ]
    if not rows:
        return f"<p>{_type(part)}</p>"
    return f"<table><tr><th>field</th><th>type</th><th></th></tr>{''.join(rows)}</table>"


def _words(text: str) -> str:
    """Text as HTML; what stands in backticks is code."""
    return _CODE.sub(r"<code>\1</code>", escape(text))


def _type(schema: Mapping[str, Any]) -> str:
    """A schema in a few words; a shape of its own is a link."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#shape-{name}">{name}</a>'
    if "enum" in schema:
        return " | ".join(f"<code>{escape(str(one))[:60]}</code>" for one in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    kind = schema.get("type", "any")
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"map to {_type(schema['additionalProperties'])}"
    return escape(str(schema.get("format", kind)))
