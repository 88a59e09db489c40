"""Sources: which there are, how each does, and what an operator does about it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import BaseModel, Field, StringConstraints

from digest.app import App, now
from digest.errors import NotFound
from digest.model import Condition, Permission, Rights, Source, SourceKind
from digest.pickup import Reading
from digest.pickup.discover import Discovered
from digest.pickup.live import Asked
from digest.sources import Standing
from digest.store import Problem as Kept
from digest.web.api.callers import Caller
from digest.web.api.routing import Body, Routes
from digest.web.api.shapes import InPath, Key, Line, QueryKey, Said, Sent

Url = Annotated[str, StringConstraints(min_length=10, max_length=2000, pattern=r"^https?://[^\s\x00-\x1f\x7f]+$")]


class SourceBody(BaseModel):
    """A source, and how it does. What is below `condition` is of live ones."""

    key: str
    kind: SourceKind
    location: str
    publisher: str
    rights: Rights
    full_text: bool
    condition: Condition | None = Field(description="None for what is not asked over the network.")
    added: bool = Field(description="Here, and not in digest.toml.")
    last_poll: datetime | None = None
    last_ok: datetime | None = None
    last_new: datetime | None = None
    next_poll: datetime | None = None
    failures: int = 0
    error: str = ""
    held: int = 0
    problems: int = Field(default=0, description="Open ones.")

    @classmethod
    def of(cls, source: Source, standing: Standing | None, problems: int) -> SourceBody:
        """A source, with what is known of it where it is a live one."""
        state = standing.state if standing else None
        names = ("last_poll", "last_ok", "last_new", "next_poll", "failures", "error", "held")
        return cls(
            key=source.key,
            kind=source.kind,
            location=source.location,
            publisher=source.publisher,
            rights=source.rights,
            full_text=source.full_text,
            condition=standing.condition if standing else None,
            added=standing.added if standing else False,
            problems=problems,
            **({name: getattr(state, name) for name in names} if state else {}),
        )


class ProblemLine(BaseModel):
    """Something that could not be picked up, until it is mended."""

    id: int
    source: str
    origin: str
    what: str
    where: str
    line: int | None
    remedy: str
    first: datetime
    last: datetime
    times: int

    @classmethod
    def of(cls, one: Kept) -> ProblemLine:
        """A problem."""
        return cls(**{name: getattr(one, name) for name in cls.model_fields})


class Add(Sent):
    """A feed, or a page of the site: its feed is found."""

    url: Url
    key: Key | None = Field(default=None, description="Never to be changed; made of the title when left out.")
    publisher: Line = Field(default="", description="Of articles that do not name one; the feed's title if left out.")
    rights: Rights = Rights.SUMMARY


class Test(Sent):
    """What to fetch."""

    url: Url


class TestBody(BaseModel):
    """What a source answered; nothing of it was kept."""

    outcome: str
    what: str
    articles: list[str] = Field(description="Titles, the newest first.")
    problems: list[str]


class Reason(Sent):
    """Why, for who looks at it later."""

    reason: Said


class Polled(BaseModel):
    """What a poll brought."""

    new: int
    edited: int
    unchanged: int
    problems: list[str]


class Accepted(BaseModel):
    """How many items were held."""

    held: int


class OpmlLine(BaseModel):
    """What became of one line of a list."""

    line: int
    title: str
    url: str
    key: str
    why: str = Field(description="It was not kept; empty when it was.")


def add_routes(routes: Routes, app: App) -> None:
    """Sources and what is done with them."""

    def bodies() -> list[SourceBody]:
        standings = {one.source.key: one for one in app.live.standings(now())}
        found = {one.key: one for one in (*app.settings.sources, *(one.source for one in standings.values()))}
        count: dict[str, int] = {}
        for problem in app.store.sources.problems():
            count[problem.source] = count.get(problem.source, 0) + 1
        return [SourceBody.of(one, standings.get(key), count.get(key, 0)) for key, one in sorted(found.items())]

    def one_of(key: str) -> SourceBody:
        for body in bodies():
            if body.key == key:
                return body
        raise NotFound("source", key, "GET /api/v1/sources lists them")

    @routes.get("/sources", Permission.SOURCES_READ, tags=["sources"])
    def list_sources(condition: Annotated[Condition | None, Query()] = None) -> list[SourceBody]:
        """Every source, by key, and how it does."""
        return [one for one in bodies() if condition in {None, one.condition}]

    @routes.get("/sources/{source}", Permission.SOURCES_READ, problems=(404,), tags=["sources"])
    def get_source(source: InPath) -> SourceBody:
        """A source, and how it does."""
        return one_of(source)

    @routes.get("/problems", Permission.SOURCES_READ, tags=["sources"])
    def list_problems(source: QueryKey = "") -> list[ProblemLine]:
        """What could not be picked up, with the remedy, newest first; what is mended leaves the list by itself."""
        return [ProblemLine.of(one) for one in app.store.sources.problems(source)]

    @routes.post("/sources", Permission.SOURCES_WRITE, status=201, problems=(409,), tags=["sources"])
    def add_source(response: Response, visit: Caller, body: Add) -> SourceBody:
        """Find the feed of an address, and keep it as a source."""
        added = app.source_desk.add(
            body.url, key=body.key or "", publisher=body.publisher, rights=body.rights, by=visit.actor
        )
        response.headers["Location"] = f"{app.settings.publication.url}/api/v1/sources/{added.key}"
        return one_of(added.key)

    @routes.delete("/sources/{source}", Permission.SOURCES_WRITE, problems=(404, 422), tags=["sources"])
    def remove_source(visit: Caller, source: InPath) -> None:
        """Take out a source that was added; its articles stay."""
        app.source_desk.remove(source, by=visit.actor)

    @routes.post("/sources/test", Permission.SOURCES_READ, tags=["sources"])
    def test_source(body: Test) -> TestBody:
        """Fetch and read an address; nothing is kept."""
        return _found(app.source_desk.find(body.url))

    @routes.post("/sources/{source}/test", Permission.SOURCES_READ, takes=(), problems=(404,), tags=["sources"])
    def test_known_source(source: InPath) -> TestBody:
        """Ask a source as if for the first time; nothing is kept."""
        return _tested(app.source_desk.test(source))

    @routes.post("/sources/{source}/poll", Permission.SOURCES_WRITE, takes=(), problems=(404, 409), tags=["sources"])
    def poll_source(visit: Caller, source: InPath) -> Polled:
        """Ask a source now, due or not, and keep what it brings."""
        came = app.source_desk.poll(source, by=visit.actor)
        return Polled(
            new=came.new, edited=came.edited, unchanged=came.unchanged, problems=[str(one) for one in came.problems]
        )

    @routes.post("/sources/{source}/hold", Permission.SOURCES_WRITE, problems=(404, 409), tags=["sources"])
    def hold_source(visit: Caller, source: InPath, body: Reason) -> SourceBody:
        """Ask a source no more until it is released."""
        app.source_desk.stop(source, body.reason, by=visit.actor)
        return one_of(source)

    @routes.post("/sources/{source}/release", Permission.SOURCES_WRITE, takes=(), problems=(404, 409), tags=["sources"])
    def release_source(visit: Caller, source: InPath) -> SourceBody:
        """Ask a source again that was held."""
        app.source_desk.go_on(source, by=visit.actor)
        return one_of(source)

    @routes.post("/sources/{source}/accept", Permission.SOURCES_WRITE, takes=(), problems=(404, 409), tags=["sources"])
    def accept_source(visit: Caller, source: InPath) -> Accepted:
        """Let the next poll take items that are held; also asks a source again that said it was gone for good."""
        return Accepted(held=app.source_desk.accept(source, by=visit.actor))

    @routes.get(
        "/sources.opml",
        Permission.SOURCES_READ,
        gives=("text/x-opml",),
        response_class=Response,
        answers={200: {"content": {"text/x-opml": {"schema": {"type": "string"}}}}},
        tags=["sources"],
    )
    def export_sources() -> Response:
        """The live sources as an OPML list, for feed readers."""
        return Response(app.source_desk.export_opml(), media_type="text/x-opml")

    @routes.post(
        "/sources/import",
        Permission.SOURCES_WRITE,
        takes=("text/x-opml", "text/xml", "application/xml"),
        room=5_000_000,
        body=_OPML,
        tags=["sources"],
    )
    def import_sources(
        visit: Caller,
        body: Body,
        rights: Annotated[Rights, Query()] = Rights.SUMMARY,
        dry_run: Annotated[bool, Query(description="Keep nothing: say what would happen.")] = False,
    ) -> list[OpmlLine]:
        """Keep the feeds of an OPML list as sources; each line says what became of it."""
        lines = app.source_desk.import_opml(body, "body", rights=rights, keep=not dry_run, by=visit.actor)
        return [OpmlLine(line=one.line, title=one.title, url=one.url, key=one.key, why=one.why) for one in lines]


_OPML: dict[str, Any] = {
    "required": True,
    "content": {
        kind: {
            "schema": {
                "type": "string",
                "enum": [
                    '<opml version="2.0"><body><outline title="Wire" xmlUrl="https://wire.example.org/feed"/></body></opml>'
                ],
            }
        }
        for kind in ("text/x-opml", "text/xml", "application/xml")
    },
}


def _found(found: Discovered) -> TestBody:
    """What a page or feed would bring."""
    return TestBody(outcome="fetched", what=found.url, **_read(found.reading))


def _tested(asked: Asked) -> TestBody:
    """What a source answered."""
    what = str(asked.error) if asked.error else str(getattr(asked.result, "what", ""))
    return TestBody(outcome=type(asked.result).__name__.lower(), what=what, **_read(asked.reading))


def _read(reading: Reading | None) -> dict[str, list[str]]:
    if reading is None:
        return {"articles": [], "problems": []}
    newest = sorted(reading.articles, key=lambda one: one.when, reverse=True)
    return {"articles": [one.title for one in newest], "problems": [str(one) for one in reading.problems]}
