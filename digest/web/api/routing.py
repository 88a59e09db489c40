"""How an operation of the API is added: with its permission, what it takes and gives, and every answer it may have.

What a request passes before a handler sees it, in this order:

    token -> rate -> permission -> Accept -> Content-Type -> body (limited) -> Idempotency-Key -> the handler

so that nobody without a token makes us read, parse or look up anything. An operation cannot be added without all of
this, and its document (OpenAPI) is made of the same words.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Final, TypeVar

from fastapi import Depends, FastAPI, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from digest.model import Permission
from digest.store import Answer, Begun, Store
from digest.web.api.callers import Gate, Passed
from digest.web.api.problems import KINDS, MEDIA_TYPE, Problem
from digest.web.doors import visit_of

JSON: Final = "application/json"
ROOM: Final = 1_000_000  # bytes of a body, where an operation says nothing else
KEY: Final = "Idempotency-Key"
_KEY: Final = re.compile(r'^"?[A-Za-z0-9._:-]{1,200}"?$')  # the draft of the IETF has it in quotes, most callers not
_KEPT_HEADERS: Final = ("content-type", "etag", "location")

Handler = TypeVar("Handler", bound=Callable[..., Any])


class ProblemBody(BaseModel):
    """What is wrong, and what to do about it (RFC 9457)."""

    type: str = Field(description="Address of this kind's paragraph in the document of the API.")
    title: str = Field(description="The kind in a few words; always the same for a type.")
    status: int
    detail: str = Field(description="What is wrong here.")
    instance: str = Field(description="Path that was asked.")
    remedy: str | None = Field(default=None, description="What the caller can do.")
    where: str | None = Field(default=None, description="Field, file or address that is meant.")
    line: int | None = None
    state: str | None = Field(default=None, description="The state that stands against the act.")
    scope: str | None = Field(default=None, description="The scope that the token lacks.")
    errors: list[dict[str, Any]] | None = Field(default=None, description="Each wrong field: where, what.")
    findings: list[str] | None = Field(default=None, description="What preflight found.")


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What stands before a handler.

    Attributes:
        needs: the permission, which is the scope of the token too; None lets everybody in.
        takes: media types of the body; none where there is no body.
        room: bytes of a body.
        gives: media types that can be asked for.
        keyed: "" where a key has no meaning, "may" where it is honoured, "must" where it is demanded.
    """

    needs: Permission | None
    takes: tuple[str, ...] = ()
    room: int = ROOM
    gives: tuple[str, ...] = (JSON,)
    keyed: str = ""


class Routes:
    """Adds operations to the application of the API."""

    def __init__(self, application: FastAPI, gate: Gate, store: Store, clock: Callable[[], datetime]) -> None:
        """Hold what every operation passes.

        Args:
            application: of the API.
            gate: who asks, and whether they may.
            store: where answers are kept by key.
            clock: the time.
        """
        self._application = application
        self._gate = gate
        self._store = store
        self._clock = clock

    def get(self, path: str, needs: Permission | None, **more: Any) -> Callable[[Handler], Handler]:
        """Add an operation that only looks."""
        return self._add("GET", path, needs, **more)

    def post(self, path: str, needs: Permission, **more: Any) -> Callable[[Handler], Handler]:
        """Add an operation that acts; a key makes a repeat harmless."""
        return self._add("POST", path, needs, **{"keyed": "may", "takes": (JSON,), **more})

    def put(self, path: str, needs: Permission, **more: Any) -> Callable[[Handler], Handler]:
        """Add an operation that makes a thing be as given; a repeat is harmless by itself."""
        return self._add("PUT", path, needs, **{"takes": (JSON,), **more})

    def patch(self, path: str, needs: Permission, **more: Any) -> Callable[[Handler], Handler]:
        """Add an operation that changes some fields of a thing."""
        return self._add("PATCH", path, needs, **{"takes": (JSON,), **more})

    def delete(self, path: str, needs: Permission, **more: Any) -> Callable[[Handler], Handler]:
        """Add an operation that ends a thing."""
        return self._add("DELETE", path, needs, **{"status": 204, **more})

    def _add(
        self,
        method: str,
        path: str,
        needs: Permission | None,
        *,
        problems: Sequence[int] = (),
        status: int = 200,
        answers: Mapping[int, Mapping[str, Any]] | None = None,
        body: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Callable[[Handler], Handler]:
        known = {name: more.pop(name) for name in ("takes", "room", "gives", "keyed") if name in more}
        operation, passed = Operation(needs=needs, **known), Passed(self._gate, needs)
        extra: dict[str, Any] = {"x-permission": str(needs) if needs else "none"}
        if needs is not None:
            extra["security"] = [{"token": [str(needs)]}]
        if body is not None:
            extra["requestBody"] = body
        if operation.keyed:
            extra["parameters"] = [_key_parameter(must=operation.keyed == "must")]

        def add(handler: Handler) -> Handler:
            self._application.router.add_api_route(
                path,
                handler,
                methods=[method],
                status_code=status,
                operation_id=handler.__name__,
                summary=(handler.__doc__ or "").strip().partition("\n")[0].rstrip("."),
                responses={
                    **{code: dict(one) for code, one in (answers or {}).items()},
                    **{code: _problem(code) for code in sorted({*problems, *_always(operation)})},
                },
                openapi_extra=extra,
                dependencies=[Depends(passed)],
                route_class_override=self._route(operation, passed),
                response_model_exclude_none=False,
                **more,
            )
            return handler

        return add

    def _route(self, operation: Operation, passed: Passed) -> type[APIRoute]:
        once = self._once

        class Guarded(APIRoute):
            """A route with what stands before it."""

            def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
                handle = super().get_route_handler()

                async def guarded(request: Request) -> Response:
                    await passed.before(request)
                    _accepts(request, operation.gives)
                    if request.method in {"POST", "PUT", "PATCH"}:
                        await _take_body(request, operation)
                    answer = await once(request, operation, handle)
                    answer.headers.setdefault("Cache-Control", "no-store")
                    return answer

                return guarded

        return Guarded

    async def _once(
        self, request: Request, operation: Operation, handle: Callable[[Request], Coroutine[Any, Any, Response]]
    ) -> Response:
        """Answer once for one key."""
        key = request.headers.get(KEY)
        if not operation.keyed or key is None:
            if operation.keyed == "must":
                raise Problem("key-required", f"This needs the header {KEY}.", "send any text of yours, such as a UUID")
            return await handle(request)
        if not _KEY.fullmatch(key):
            raise Problem("malformed", f"{KEY} is not {_KEY.pattern}.", "send letters, digits and ._:- alone")
        key, token = key.strip('"'), visit_of(request).token
        owner = f"token {token.id}" if token else ""
        begun = await run_in_threadpool(self._store.answers.begin, owner, key, await _mark(request), self._clock())
        match begun:
            case Begun.OTHER:
                raise Problem("key-reused", "Another request had this key.", "take a new key for a new request")
            case Begun.UNDER_WAY:
                raise Problem(
                    "under-way", "The first one is not answered yet.", "ask again", headers={"Retry-After": "2"}
                )
            case Answer():
                return Response(begun.body, begun.status, headers={**begun.headers, "Idempotent-Replayed": "true"})
        try:
            answer = await handle(request)
        except BaseException:  # it came to nothing: the same key may be tried again
            await run_in_threadpool(self._store.answers.drop, owner, key)
            raise
        headers = {name: answer.headers[name] for name in _KEPT_HEADERS if name in answer.headers}
        kept = Answer(status=answer.status_code, headers=headers, body=bytes(answer.body))
        await run_in_threadpool(self._store.answers.keep, owner, key, kept)
        return answer


async def sent(request: Request) -> bytes:
    """The body as it came."""
    return await request.body()


Body = Annotated[bytes, Depends(sent)]


def _always(operation: Operation) -> set[int]:
    """What any such operation may answer besides its own problems."""
    found = {503}
    if operation.needs is not None:
        found |= {401, 403, 406, 422, 429}
    if operation.takes:
        found |= {400, 413, 415, 422}
    if operation.keyed:
        found |= {400, 409, 422}
    return found


@cache  # a hundred operations share a handful: each alone would be made seven hundred times
def _problem(status: int) -> dict[str, Any]:
    titles = [title for code, title in KINDS.values() if code == status]
    headers = {}
    if status == 401:
        headers["WWW-Authenticate"] = {"schema": {"type": "string"}, "description": "Bearer (RFC 6750)."}
    if status in {429, 503}:
        headers["Retry-After"] = {"schema": {"type": "string"}, "description": "Seconds to wait."}
    return {
        "description": "; ".join(titles),
        "content": {MEDIA_TYPE: {"schema": ProblemBody.model_json_schema()}},
        **({"headers": headers} if headers else {}),
    }


def _key_parameter(*, must: bool) -> dict[str, Any]:
    return {
        "name": KEY,
        "in": "header",
        "required": must,
        "description": "Chosen by the caller, one for each act: the same request sent again gets the same answer, "
        "and is done once. Kept for seven days.",
        "schema": {"type": "string", "pattern": _KEY.pattern},
    }


def _accepts(request: Request, gives: Sequence[str]) -> None:
    """Refuse what cannot be given in a form that is asked for (RFC 9110, 12.5.1)."""
    if not chosen(request, gives):
        raise Problem(
            "not-acceptable",
            f"Accept asks for {request.headers.get('accept', '')[:100]!r}.",
            f"there is: {', '.join(gives)}",
        )


def chosen(request: Request, gives: Sequence[str]) -> str:
    """The media type that is asked for and given, the best one first; "" where there is none."""
    wanted: list[tuple[float, str]] = []
    for part in request.headers.get("accept", "*/*").split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        weight = next((text[2:] for text in parameters if text.lower().startswith("q=")), "1")
        try:
            wanted.append((float(weight), name.lower()))
        except ValueError:
            wanted.append((0.0, name.lower()))
    for share, name in sorted(wanted, key=lambda one: -one[0]):
        for given in gives:
            kind, _, _sub = given.partition("/")
            if share > 0 and name in {given, f"{kind}/*", "*/*", ""}:
                return given
    return ""


async def _take_body(request: Request, operation: Operation) -> None:
    """Read the body within its limit, and refuse a type that is not taken."""
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > operation.room:
        raise _too_large(operation)
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > operation.room:
            raise _too_large(operation)
        chunks.append(chunk)
    request._body = b"".join(chunks)  # noqa: SLF001 - where Starlette itself keeps a body that was read
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if (size or kind) and kind not in operation.takes:
        raise Problem(
            "unsupported-type",
            f"The body is {kind or 'of no type'}." if operation.takes else "There is no body to send here.",
            f"send it as Content-Type: {' or '.join(operation.takes)}" if operation.takes else "leave it out",
        )


def _too_large(operation: Operation) -> Problem:
    return Problem("too-large", f"At most {operation.room:,} bytes are taken here.", "send it in parts")


async def _mark(request: Request) -> str:
    """What stands for a request: its method, address and body."""
    body = await request.body()
    return hashlib.sha256(f"{request.method} {request.url.path}?{request.url.query}\n".encode() + body).hexdigest()
