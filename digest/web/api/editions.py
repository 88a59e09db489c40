"""Editions: list, compose, look, change stories, preflight, proof, approve, hold, cancel.

Two editors do not overwrite each other: an answer carries an ETag, and an act with If-Match fails with 412 when
somebody was faster. Without If-Match both get their way, in the order they came.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Final

from fastapi import Header, Query, Request, Response

from digest.app import App
from digest.desk.editions import Desk
from digest.errors import InputError
from digest.model import Actor, Claim, EditionState, Permission, Preferences, Revision, Skipped
from digest.web.api import names, paging
from digest.web.api.callers import Caller
from digest.web.api.desk import (
    ActBody,
    ApprovalBody,
    Approve,
    Compose,
    Correct,
    Drop,
    Finding,
    Merge,
    Move,
    Note,
    PreflightBody,
    Proof,
    ProofBody,
    Reason,
    RefileStory,
    Retitle,
    Split,
    Story,
    Summary,
    Undo,
)
from digest.web.api.paging import After, Limit, Page
from digest.web.api.problems import Problem
from digest.web.api.routing import Routes, chosen
from digest.web.api.shapes import (
    EditionBody,
    EditionLine,
    InPath,
    PeriodBody,
    QueryKey,
    Sent,
)

FORMS: Final = {"html": "text/html", "text": "text/plain", "eml": "message/rfc822"}
NOBODY: Final = 2**31 - 1  # the number of no subscription: links made with it change nothing
_POLICY: Final = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"
_ETAG: Final = {200: {"headers": {"ETag": {"schema": {"type": "string"}, "description": "For If-Match of an act."}}}}
_WRITE, _APPROVE = Permission.EDITIONS_WRITE, Permission.EDITIONS_APPROVE
_ACTED: Final = (404, 409, 412)

IfMatch = Annotated[
    str,
    Header(
        alias="If-Match",
        max_length=500,
        description="ETag of the edition as the caller saw it; the act is refused with 412 where it was changed since.",
    ),
]


def _undo(desk: Desk, edition: str, body: Undo, by: Actor) -> object:
    if (body.act is None) == (body.story is None):
        raise InputError("say which", where="act, story", remedy="give the number of an act, or a story")
    if body.act is not None:
        return desk.undo(edition, body.act, by=by)
    return desk.undo_story(edition, body.story or "", by=by)


# Path below an edition, what is sent, what is done, what it is for, the permission.
Do = Callable[[Desk, str, Any, Actor], object]
_ACTS: Final[tuple[tuple[str, type[Sent], Do, str, Permission], ...]] = (
    ("pin", Story, lambda d, e, b, by: d.pin(e, b.story, by=by), "Make a story the editor's choice", _WRITE),
    ("unpin", Story, lambda d, e, b, by: d.unpin(e, b.story, by=by), "Take a pin back", _WRITE),
    ("drop", Drop, lambda d, e, b, by: d.drop(e, b.story, b.reason, by=by), "Leave a story out", _WRITE),
    ("take-in", Story, lambda d, e, b, by: d.take_in(e, b.story, by=by), "Take in what was left out", _WRITE),
    (
        "move",
        Move,
        lambda d, e, b, by: d.move(e, b.story, section=b.section or "", theme=b.theme, place=b.place, by=by),
        "Put a story under another section or theme, or in another place",
        _WRITE,
    ),
    ("retitle", Retitle, lambda d, e, b, by: d.retitle(e, b.story, b.title, by=by), "Print another headline",
     _WRITE),
    ("summary", Summary, lambda d, e, b, by: d.summarize(e, b.story, b.text, by=by), "Print another summary",
     _WRITE),
    ("merge", Merge, lambda d, e, b, by: d.merge(e, b.story, b.into, by=by), "Let one story be told by another",
     _WRITE),
    ("split", Split, lambda d, e, b, by: d.split(e, b.article, by=by), "Let an article tell a story of its own",
     _WRITE),
    ("note", Note, lambda d, e, b, by: d.note(e, b.text, by=by), "Write the editor's note", _WRITE),
    ("undo", Undo, _undo, "Take decisions back", _WRITE),
    ("recompose", Reason, lambda d, e, _b, by: d.again(e, by=by), "Compose a draft again from what is known now",
     _WRITE),
    ("hold", Reason, lambda d, e, b, by: d.hold(e, b.reason, by=by), "Keep an edition from going out",
     _WRITE),
    ("reopen", Reason, lambda d, e, _b, by: d.reopen(e, by=by), "Make an edition a draft again", _APPROVE),
    ("cancel", Reason, lambda d, e, b, by: d.cancel(e, b.reason, by=by), "End an edition", _APPROVE),
    ("correct", Correct, lambda d, e, b, by: d.correct(e, b.story, b.text, by=by), "Say what was wrong in it",
     _APPROVE),
)  # fmt: skip


def add_routes(routes: Routes, app: App) -> None:
    """Editions and what is done with them."""
    store = app.store

    def shown(response: Response, edition: str, came: object = None) -> EditionBody:
        revision = came if isinstance(came, Revision) else store.editions.get(edition)
        response.headers["ETag"] = etag(revision)
        return EditionBody.of(revision)

    @contextlib.contextmanager
    def unchanged(edition: str, if_match: str) -> Iterator[None]:
        """Act only on what the caller saw: nobody else's act with If-Match comes between.

        Raises:
            Busy: one is under way.
            Problem: it was changed.
        """
        if not if_match:
            yield
            return
        with store.hold(f"edit {edition}"):
            expect(store.editions.get(edition), if_match)
            yield

    @routes.get("/editions", Permission.EDITIONS_READ, tags=["editions"])
    def list_editions(
        request: Request,
        response: Response,
        digest: QueryKey = "",
        state: Annotated[EditionState | None, Query()] = None,
        limit: Limit = paging.LIMIT,
        after: After = "",
    ) -> Page[EditionLine]:
        """Editions, newest period first."""
        states = () if state is None else (state,)
        rows = store.shelf.editions(digest, states, before=paging.moment(after), limit=limit + 1)
        page, cursor = paging.page(request, response, rows, limit, lambda one: (one.starts.isoformat(), one.id))
        lines = [
            EditionLine(
                id=one.id,
                digest=one.digest,
                title=one.title,
                number=one.number,
                period=PeriodBody(key=one.period, start=one.starts, end=one.ends),
                state=one.state,
                reason=one.reason,
                changed=one.changed,
                revision=one.revision,
            )
            for one in page
        ]
        return Page(items=lines, next=cursor)

    @routes.post("/editions", _WRITE, problems=(409,), answers=_ETAG, tags=["editions"])
    def compose_edition(response: Response, visit: Caller, body: Compose) -> EditionBody:
        """Compose the draft of a period from the articles that there are; skipped where there is too little.

        What is approved or out comes back as it is.
        """
        key = names.digest_of(app, body.digest or "")
        app.pipeline.classify()
        came = app.desk.draft(key, body.period or "", by=visit.actor)
        if isinstance(came, Skipped):
            newest = store.editions.list(key)
            wanted = next((one for one in newest if body.period in {None, one.period}), newest[0])
            return shown(response, wanted.id)
        return shown(response, came.edition.id, came)

    @routes.get("/editions/{edition}", Permission.EDITIONS_READ, problems=(404,), answers=_ETAG, tags=["editions"])
    def get_edition(
        response: Response, edition: InPath, revision: Annotated[int | None, Query(ge=1, le=2**31)] = None
    ) -> EditionBody:
        """The newest revision of an edition, or another one: stories, why each is there, and what was left out."""
        return shown(response, edition, store.editions.get(edition, revision))

    @routes.get("/editions/{edition}/acts", Permission.EDITIONS_READ, problems=(404,), tags=["editions"])
    def list_acts(edition: InPath) -> list[ActBody]:
        """What was decided about an edition, oldest first; what was taken back too."""
        store.editions.state(edition)
        return [
            ActBody(
                number=one.id,
                act=one.act.value,
                story=one.story,
                by=one.by,
                at=one.at,
                payload=dict(one.payload),
                undone=one.undone,
                undone_by=one.undone_by,
            )
            for one in app.desk.acts(edition)
        ]

    @routes.get(
        "/editions/{edition}/preview",
        Permission.EDITIONS_READ,
        problems=(404, 409),
        gives=tuple(FORMS.values()),
        response_class=Response,
        answers={200: {"content": {kind: {"schema": {"type": "string"}} for kind in FORMS.values()}}},
        tags=["editions"],
    )
    def preview_edition(
        request: Request,
        edition: InPath,
        reader: Annotated[str, Query(max_length=254, description="Address of a reader: their copy.")] = "",
        language: Annotated[str, Query(max_length=35, pattern=r"^[A-Za-z0-9-]*$")] = "",
        form: Annotated[str, Query(alias="format", pattern="^(html|text|eml)?$", description="Or by Accept.")] = "",
    ) -> Response:
        """An edition as its readers get it, or one reader's copy: HTML, plain text, or the whole message."""
        revision = store.editions.get(edition)
        kind = FORMS[form] if form else chosen(request, tuple(FORMS.values()))
        headers = {"Cache-Control": "no-store", "Content-Security-Policy": _POLICY, "ETag": etag(revision)}
        if kind == FORMS["eml"]:
            content = _message(app, revision, reader, language)
            headers["Content-Disposition"] = f'attachment; filename="{edition}.eml"'
            return Response(content, headers=headers, media_type=kind)
        copy = app.letters.report(revision, reader, language)
        return Response(copy.html if kind == FORMS["html"] else copy.text, headers=headers, media_type=kind)

    @routes.get("/editions/{edition}/preflight", Permission.EDITIONS_READ, problems=(404,), tags=["editions"])
    def preflight_edition(edition: InPath) -> PreflightBody:
        """What speaks against sending the newest revision, and what to do about it."""
        found = app.desk.preflight(edition)
        fields = Finding.model_fields
        findings = [Finding(**{name: getattr(one, name) for name in fields}) for one in found.findings]
        return PreflightBody(hash=found.hash, blocks=bool(found.blocking), findings=findings)

    @routes.post("/editions/{edition}/proof", _WRITE, problems=(404, 409), tags=["editions"])
    def prove_edition(visit: Caller, edition: InPath, body: Proof) -> list[ProofBody]:
        """Mail the newest revision to editors, as readers will get it, with the hash to approve it by."""
        sent = app.desk.prove(edition, body.to, by=visit.actor, language=body.language, reader=body.reader or "")
        return [
            ProofBody(address=one.address, state=one.state.value, reason=one.reason, reply=one.reply) for one in sent
        ]

    @routes.post("/editions/{edition}/approve", _APPROVE, problems=_ACTED, answers=_ETAG, tags=["editions"])
    def approve_edition(
        response: Response, visit: Caller, edition: InPath, body: Approve, if_match: IfMatch = ""
    ) -> ApprovalBody:
        """Approve the revision with this hash: what stands in it then is what leaves."""
        with unchanged(edition, if_match):
            came = app.desk.approve(edition, by=visit.actor, content_hash=body.hash, override=body.override)
        shown(response, edition, came.revision)
        return ApprovalBody(
            complete=came.complete, waits_for=came.waits_for, edition=EditionBody.of(store.editions.get(edition))
        )

    def add_act(name: str, model: type[Sent], do: Do, what: str, needs: Permission) -> None:
        def act(response: Response, visit: Caller, edition: InPath, body: Any, if_match: IfMatch = "") -> EditionBody:
            with unchanged(edition, if_match):
                came = do(app.desk, edition, body, visit.actor)
            return shown(response, edition, came)

        act.__name__ = f"{name.replace('-', '_')}_edition" if model is Reason else f"{name.replace('-', '_')}_story"
        act.__doc__ = what
        act.__annotations__["body"] = model
        routes.post(f"/editions/{{edition}}/{name}", needs, problems=_ACTED, answers=_ETAG, tags=["editions"])(act)

    def refile(desk: Desk, edition: str, body: RefileStory, by: Actor) -> object:
        themes, regions = names.filed(app, body.themes, body.regions)
        return desk.refile(edition, body.story, themes=themes, regions=regions, by=by)

    for each in _ACTS:
        add_act(*each)
    add_act("refile", RefileStory, refile, "Say where the articles of a story belong", _WRITE)


def etag(revision: Revision) -> str:
    """What stands for an edition as it is: its revision and its state."""
    return f'"{revision.number}-{revision.hash[:16]}-{revision.state}"'


def expect(revision: Revision, if_match: str) -> None:
    """Refuse an act on something else than the caller saw (RFC 9110, 13.1.1).

    Raises:
        Problem: 412.
    """
    wanted = {tag.strip() for tag in if_match.split(",")}
    if "*" not in wanted and etag(revision) not in wanted:
        raise Problem(
            "changed",
            f"It is at revision {revision.number} and {revision.state} now.",
            "get it again, look, and send the act with the new ETag",
            headers={"ETag": etag(revision)},
        )


def _message(app: App, revision: Revision, reader: str, language: str) -> bytes:
    """The message that a reader gets, links to leave excepted."""
    copy = app.letters.report(revision, reader, language)  # says why there is none
    mine = [one for one in app.store.subscribers.of(reader) if one.digest == revision.edition.digest] if reader else []
    claim = Claim(
        delivery=0,
        edition=revision.edition.id,
        subscription=NOBODY,
        address=reader or app.settings.publication.sender,
        name=mine[0].name if mine else "",
        preferences=mine[0].preferences if mine else Preferences(language=copy.language),
        attempts=1,
        message_id=app.pipeline.message_id(revision.edition.id)(NOBODY),
    )
    made = app.pipeline.maker(revision, revision.approved or revision.created)(claim)
    return b"" if isinstance(made, Skipped) else made.content
