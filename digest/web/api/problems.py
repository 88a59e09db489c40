"""Errors as programs read them: application/problem+json (RFC 9457), always with what to do about it.

    {"type": ".../api/v1/docs#conflict", "title": "Not in this state", "status": 409, "detail": "...",
     "instance": "/api/v1/editions/weekly-2018-W29/approve", "remedy": "...", ...}

`where`, `line`, `errors` and what else a kind knows are extension members (section 3.2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from digest.errors import (
    Blocked,
    Busy,
    ConfigError,
    DeliveryError,
    DigestError,
    InputError,
    JailError,
    LinkError,
    NotFound,
    StateError,
    StoreError,
)
from digest.web.doors import Refused

MEDIA_TYPE: Final = "application/problem+json"
AGAIN: Final = 60  # seconds after which something passing may be asked again

# Kind -> (status, title). The kind ends the problem's type, and is its heading on the page of the API.
KINDS: Final[Mapping[str, tuple[int, str]]] = {
    "malformed": (400, "The request cannot be read"),
    "unauthenticated": (401, "No valid token"),
    "forbidden": (403, "The token may not do this"),
    "not-found": (404, "There is no such thing"),
    "no-such-method": (405, "This address takes other methods"),
    "not-acceptable": (406, "This is not offered in a form that was asked for"),
    "conflict": (409, "Not in this state"),
    "blocked": (409, "Preflight objects"),
    "under-way": (409, "The same request is under way"),
    "busy": (409, "Another process is at it"),
    "changed": (412, "It was changed meanwhile"),
    "too-large": (413, "The body is too large"),
    "unsupported-type": (415, "The body is of a type that is not taken here"),
    "unusable": (422, "This cannot be used"),
    "key-reused": (422, "The idempotency key was used for another request"),
    "key-required": (400, "An idempotency key is needed"),
    "too-many": (429, "Too many requests"),
    "failed": (500, "Something went wrong on our side"),
    "unavailable": (503, "Not right now"),
}
_OF_STATUS: Final[Mapping[int, str]] = {
    status: kind for kind, (status, _title) in reversed(list(KINDS.items())) if kind != "key-required"
}


@dataclass
class Problem(Exception):  # noqa: N818 - RFC 9457's word
    """An answer that is a problem.

    Attributes:
        kind: of `KINDS`.
        detail: what is wrong here, as a sentence.
        remedy: what the caller can do.
        more: further members.
        headers: of the answer.
    """

    kind: str
    detail: str
    remedy: str = ""
    more: Mapping[str, object] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def status(self) -> int:
        """The HTTP status."""
        return KINDS[self.kind][0]

    def answer(self, base: str, path: str) -> JSONResponse:
        """The answer to a request for a path; `base` is the API's public address."""
        status, title = KINDS[self.kind]
        body: dict[str, object] = {
            "type": f"{base}/docs#{self.kind}",
            "title": title,
            "status": status,
            "detail": self.detail,
            "instance": path,
        }
        if self.remedy:
            body["remedy"] = self.remedy
        body |= self.more
        return JSONResponse(body, status, headers={"Cache-Control": "no-store", **self.headers}, media_type=MEDIA_TYPE)


def of(error: Exception) -> Problem:
    """An error of ours, or the framework's, as a problem; what has no case of its own is our fault."""
    match error:
        case Problem():
            return error
        case RequestValidationError():
            return _of_validation(error.errors())
        case Refused():
            return _of_refusal(error)
        case HTTPException():
            return _of_http(error)
        case DigestError() | ConfigError():
            return _of_ours(error)
        case _:
            return Problem("failed", "The error is in the log.", "try again later; tell the operator if it stays")


def _of_ours(error: DigestError | ConfigError) -> Problem:
    match error:
        case InputError():
            place = {"where": error.where} if error.where else {}
            line = {} if error.line is None else {"line": error.line}
            return Problem("unusable", error.what, error.remedy, {**place, **line})
        case JailError() | LinkError():
            return Problem("unusable", str(error))
        case NotFound():
            return Problem("not-found", f"There is no {error.noun} '{error.key}'.", error.remedy)
        case StateError():
            detail = f"{error.thing} is {error.state}: cannot {error.act}."
            if isinstance(error, Blocked):
                return Problem("blocked", detail, error.remedy, {"findings": list(error.reasons)})
            return Problem("conflict", detail, error.remedy, {"state": error.state})
        case Busy():
            return Problem("busy", str(error), "try again", headers={"Retry-After": str(AGAIN)})
        case StoreError() | DeliveryError():
            return Problem("unavailable", str(error), "try again in a minute", headers={"Retry-After": str(AGAIN)})
        case _:
            return Problem("unavailable", str(error), "`digest check` says what to mend")


def _of_refusal(error: Refused) -> Problem:
    if error.status == 401:
        return Problem(
            "unauthenticated",
            "There is no token, or it opens nothing: it was ended, is too old, or is none of ours.",
            "send Authorization: Bearer dg_...; `digest tokens add`, or the console's account page, makes one",
            headers={"WWW-Authenticate": 'Bearer realm="digest"'},
        )
    scope = error.detail.rpartition(" ")[2]
    challenge = f'Bearer realm="digest", error="insufficient_scope", scope="{scope}"'
    return Problem(
        "forbidden",
        f"The token may not do this: it lacks the scope {scope}, or its owner's role does not hold it.",
        f"make a token with the scope {scope}",
        {"scope": scope},
        {"WWW-Authenticate": challenge},
    )


def _of_http(error: HTTPException) -> Problem:
    kind = _OF_STATUS.get(error.status_code, "malformed" if error.status_code < 500 else "failed")
    remedies = {
        "not-found": "GET /api/v1/openapi.json lists every address",
        "no-such-method": "the header Allow names them",
    }
    return Problem(kind, str(error.detail), remedies.get(kind, ""), headers=dict(error.headers or {}))


def _of_validation(errors: Sequence[Any]) -> Problem:
    """Each field that is wrong, by where it stands; what is no JSON at all is malformed."""
    if any(one.get("type") == "json_invalid" for one in errors):
        why = errors[0].get("ctx", {}).get("error", "")
        return Problem("malformed", f"The body is not JSON: {why}".rstrip(": "), "check it with a JSON tool")
    listed = [{"where": ".".join(str(part) for part in one["loc"]), "what": one["msg"]} for one in errors]
    count = "1 field is wrong." if len(listed) == 1 else f"{len(listed)} fields are wrong."
    return Problem("unusable", count, "`errors` says which, and why", {"errors": listed})
