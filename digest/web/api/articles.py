"""Articles: send them, find them, and say what is wrong with them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import Header, Path, Query, Request, Response
from pydantic import BaseModel, Field

from digest.app import App
from digest.desk.intake import Intaken
from digest.errors import InputError, StateError
from digest.model import Permission
from digest.pickup.document import MAX_BYTES
from digest.store import Change
from digest.store.cards import Mark, Sought
from digest.web.api import names, paging
from digest.web.api.callers import Caller
from digest.web.api.paging import After, Limit, Page
from digest.web.api.problems import Problem
from digest.web.api.routing import Body, Routes
from digest.web.api.shapes import ArticleBody, InPath, JudgementBody, Line, QueryKey, Refile, Said, Sent, Text, Words

NINJS: Final = "application/vnd.iptc.ninjs+json"  # not registered; what senders of ninjs write, if they write anything
_TAKES: Final = ("application/json", NINJS)
_OURS: Final[dict[str, Any]] = {
    "type": "object",
    "description": "Our own form; ninjs 1 to 3 and JSON Feed are told by their fields (docs/pickup.md).",
    "required": ["title", "text"],
    "properties": {
        "id": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[A-Za-z0-9._:-]+$"},
        "title": {"type": "string", "minLength": 1, "maxLength": 300, "pattern": "^[A-Za-z][A-Za-z0-9 ,.-]*$"},
        "text": {
            "description": "One paragraph a line.",
            "type": "string",
            "minLength": 1,
            "pattern": "^[A-Za-z][A-Za-z0-9 ,.-]*$",
        },
        "published": {"type": "string", "format": "date-time"},
        "publisher": {"type": "string", "maxLength": 200},
        "url": {"type": "string", "format": "uri"},
        "keywords": {"type": "array", "items": {"type": "string"}},
        "teaser": {"type": "string"},
        "language": {"type": "string", "pattern": "^[a-z]{2}(-[A-Za-z]{2,4})?$"},
    },
}
_ONE: Final = {"required": True, "content": {kind: {"schema": _OURS} for kind in _TAKES}}
_MANY: Final = {
    "required": True,
    "content": {
        kind: {"schema": {"anyOf": [_OURS, {"type": "array", "items": _OURS, "minItems": 1, "maxItems": 5000}]}}
        for kind in _TAKES
    },
}


class KeptBody(BaseModel):
    """What became of one article."""

    uid: str
    id: str
    change: Change
    version: int
    title: str


class EntryProblem(BaseModel):
    """An entry that could not be used."""

    what: str
    where: str
    remedy: str


class IntakenBody(BaseModel):
    """What became of what was sent: each article, and each entry that could not be used."""

    source: str
    articles: list[KeptBody]
    problems: list[EntryProblem]

    @classmethod
    def of(cls, done: Intaken) -> IntakenBody:
        """What an intake came to."""
        return cls(
            source=done.source,
            articles=[
                KeptBody(uid=one.uid, id=one.id, change=one.change, version=one.version, title=one.title)
                for one in done.kept
            ],
            problems=[EntryProblem(what=one.what, where=one.where, remedy=one.remedy) for one in done.problems],
        )


class ArticleLine(BaseModel):
    """An article in a list."""

    uid: str
    title: str
    source: str
    publisher: str
    language: str
    when: datetime
    version: int
    regions: tuple[str, ...]
    themes: tuple[str, ...]
    marks: tuple[Mark, ...]


class PlacementBody(BaseModel):
    """Where an article ended up in an edition, and why."""

    edition: str
    state: str
    section: str
    why: list[str]


class ArticleLook(BaseModel):
    """All that is known of an article."""

    article: ArticleBody
    judgement: JudgementBody | None
    marks: list[Mark]
    versions: list[ArticleBody]
    editions: list[PlacementBody]


class Count(BaseModel):
    """How many were changed."""

    changed: int


class Reason(Sent):
    """Why, for who looks at it later."""

    reason: Said


class Correction(Sent):
    """What is right."""

    text: Text = Field(description="What readers are told, in a sentence.")
    title: Line = ""
    summary: Text = ""


class ConsequenceBody(BaseModel):
    """What followed for editions."""

    revised: list[str] = Field(description="Editions with a new revision.")
    waiting: list[str] = Field(description="Those of them that are to be approved again.")


IfMatch = Annotated[str, Header(alias="If-Match", max_length=50, description='The version that is there: "3".')]
IfNone = Annotated[str, Header(alias="If-None-Match", max_length=5, pattern=r"^\*?$", description="* : only if new.")]
ArticleId = Annotated[str, Path(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]+$")]


def add_routes(routes: Routes, app: App) -> None:
    """Articles and what is done with them."""

    @routes.post(
        "/articles",
        Permission.ARTICLES_WRITE,
        status=200,
        takes=_TAKES,
        room=MAX_BYTES,
        body=_MANY,
        problems=(404, 409),
        answers={201: {"model": IntakenBody, "description": "At least one is new."}},
        tags=["articles"],
    )
    def send_articles(
        response: Response,
        visit: Caller,
        body: Body,
        source: Annotated[
            QueryKey, Query(description="Key of a source of kind api; not needed if it is the only one.")
        ] = "",
        whole: Annotated[bool, Query(description="Keep nothing when an entry cannot be used.")] = False,
    ) -> IntakenBody:
        """Send articles: one, or a list; each is new, an edit, or known already.

        An entry that cannot be used costs itself: it is listed among the problems. 201 when anything is new.
        """
        done = app.intake.take(source, body, whole=whole, by=visit.actor)
        if done.count(Change.NEW):
            response.status_code = 201
        return IntakenBody.of(done)

    @routes.put(
        "/articles/{source}/{article_id:path}",
        Permission.ARTICLES_WRITE,
        takes=_TAKES,
        room=MAX_BYTES,
        body=_ONE,
        problems=(404, 409, 412),
        answers={
            200: {"headers": {"ETag": {"schema": {"type": "string"}, "description": "Its version."}}},
            201: {"model": IntakenBody, "description": "It is new."},
        },
        tags=["articles"],
    )
    def put_article(
        response: Response,
        visit: Caller,
        body: Body,
        source: InPath,
        article_id: ArticleId,
        if_match: IfMatch = "",
        if_none_match: IfNone = "",
    ) -> IntakenBody:
        """Make the article with this id be as given; what a reader could see changed makes a new version."""
        version = 0 if if_none_match else _version(if_match)
        try:
            done = app.intake.put(source, article_id, body, version=version, by=visit.actor)
        except StateError as error:
            if version is None or ("version" not in error.state and error.state != "not there"):
                raise
            raise Problem("changed", str(error), "get it again") from error
        (kept,) = done.kept
        response.headers["ETag"] = f'"{kept.version}"'
        response.headers["Location"] = f"{app.settings.publication.url}/api/v1/articles/{kept.uid}"
        if kept.change is Change.NEW:
            response.status_code = 201
        return IntakenBody.of(done)

    @routes.get("/articles", Permission.ARTICLES_READ, tags=["articles"])
    def list_articles(
        request: Request,
        response: Response,
        text: Annotated[Words, Query(description="Words of the title, the text, the publisher.")] = "",
        source: QueryKey = "",
        region: Annotated[QueryKey, Query(description="A code; what lies in it is found.")] = "",
        theme: QueryKey = "",
        mark: Annotated[Mark | None, Query(description="What is remarkable about it.")] = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: Limit = paging.LIMIT,
        after: After = "",
    ) -> Page[ArticleLine]:
        """Find articles, newest first."""
        sought = Sought(
            text=text,
            source=source,
            region=region,
            theme=theme,
            mark=mark,
            since=_aware(since, "since"),
            until=_aware(until, "until"),
        )
        (behind,) = paging.read(after, int) or (0,)
        rows = app.store.cards.find(sought, after=behind, limit=limit + 1)
        page, cursor = paging.page(request, response, rows, limit, lambda one: (one[0],))
        fields = ArticleLine.model_fields
        return Page(
            items=[ArticleLine(**{name: getattr(card, name) for name in fields}) for _number, card in page], next=cursor
        )

    @routes.get("/articles/{uid}", Permission.ARTICLES_READ, problems=(404,), tags=["articles"])
    def get_article(response: Response, uid: InPath) -> ArticleLook:
        """An article: its text, how it was judged and why, its versions, and where editions put it."""
        look = app.newsroom.look(uid)
        response.headers["ETag"] = f'"{look.article.version}"'
        return ArticleLook(
            article=ArticleBody.of(look.article),
            judgement=JudgementBody.of(look.judgement),
            marks=list(look.marks),
            versions=[ArticleBody.of(one) for one in look.versions],
            editions=[
                PlacementBody(edition=one.edition, state=one.state.value, section=one.section, why=list(one.why))
                for one in look.placements
            ],
        )

    @routes.post("/articles/{uid}/refile", Permission.ARTICLES_WRITE, problems=(404, 409), tags=["articles"])
    def refile_article(visit: Caller, uid: InPath, body: Refile) -> JudgementBody | None:
        """Say where an article belongs, in every digest; the judge learns from it."""
        if body.themes is None and body.regions is None:
            raise InputError("nothing to change", where="themes, regions", remedy="name one, or both")
        themes, regions = names.filed(app, body.themes, body.regions)
        app.newsroom.refile([uid], themes=themes, regions=regions, by=visit.actor)
        return JudgementBody.of(app.newsroom.look(uid).judgement)

    @routes.post("/articles/{uid}/hold", Permission.ARTICLES_WRITE, problems=(404, 409), tags=["articles"])
    def hold_article(visit: Caller, uid: InPath, body: Reason) -> Count:
        """Keep an article out of drafts until it is released."""
        return Count(changed=app.newsroom.hold([uid], body.reason, by=visit.actor))

    @routes.post("/articles/{uid}/release", Permission.ARTICLES_WRITE, takes=(), problems=(404, 409), tags=["articles"])
    def release_article(visit: Caller, uid: InPath) -> Count:
        """Let an article that is held, or was withdrawn, into drafts again."""
        app.store.articles.get(uid)
        return Count(changed=app.newsroom.release([uid], by=visit.actor))

    @routes.post("/articles/{uid}/withdraw", Permission.ARTICLES_WRITE, problems=(404, 409), tags=["articles"])
    def withdraw_article(visit: Caller, uid: InPath, body: Reason) -> ConsequenceBody:
        """Take an article out of everything that has not left: drafts, unsent copies, the archive, the feeds."""
        came = app.newsroom.withdraw(uid, body.reason, by=visit.actor)
        return ConsequenceBody(revised=list(came.revised), waiting=list(came.waiting))

    @routes.post("/articles/{uid}/correct", Permission.ARTICLES_WRITE, problems=(404, 409), tags=["articles"])
    def correct_article(visit: Caller, uid: InPath, body: Correction) -> ConsequenceBody:
        """Say what was wrong: it reaches unsent copies, the archive, the feeds, and the next edition's corrections."""
        came = app.newsroom.correct(uid, body.text, title=body.title, summary=body.summary, by=visit.actor)
        return ConsequenceBody(revised=list(came.revised), waiting=list(came.waiting))


def _version(if_match: str) -> int | None:
    """The version that If-Match names; None without one.

    Raises:
        Problem: it names none of ours.
    """
    if not if_match:
        return None
    text = if_match.strip().strip('"')
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) < 2**31:
        raise Problem("changed", f"There is no version {text[:20]!r}.", "give the ETag that the article came with")
    return int(text)


def _aware(moment: datetime | None, where: str) -> datetime | None:
    if moment is not None and moment.utcoffset() is None:
        raise InputError("a time without an offset", where=where, remedy="write 2018-07-20T09:00:00+08:00, or ...Z")
    return moment
