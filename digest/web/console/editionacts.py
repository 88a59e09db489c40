"""What is done to an edition as a whole: a page that asks, then the act; proofs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fastapi import HTTPException, Request
from starlette.responses import Response

from digest.errors import AddressError, InputError, NotFound, StateError
from digest.model import Permission
from digest.web.console.editions import HERE
from digest.web.console.editionviews import EditionViewer
from digest.web.console.frame import Filled, Frame, Visitor
from digest.web.console.storyacts import back, said_of
from digest.web.doors import Visit
from digest.web.forms import Form

_MOST_ADDRESSES: Final = 50  # of one proof


@dataclass(frozen=True)
class _Question:
    """What a page asks before an act, what follows from it, and how the button is called."""

    question: str
    consequences: tuple[str, ...]
    submit: str
    permission: Permission
    reason: bool = False
    kind: str = ""


_QUESTIONS: Final = {
    "send": _Question(
        "Send this edition now?",
        ("Every active reader of this digest gets a copy, at once and not when it is due.",
         "Whoever sends takes it up; you can pause it on the campaign's page.",
         "What has left cannot be called back."),
        "Send it now", Permission.CAMPAIGNS_SEND,
    ),
    "compose": _Question(
        "Compose this draft again?",
        ("Articles that came in since are considered.", "Everything that was decided at the desk stays decided."),
        "Compose again", Permission.EDITIONS_WRITE,
    ),
    "reopen": _Question(
        "Make it a draft again?", ("Its approval ends.", "It can be changed, and has to be approved again."),
        "Make it a draft", Permission.EDITIONS_WRITE,
    ),
    "hold": _Question(
        "Hold this edition?", ("It does not go out, also not at its deadline, until somebody approves it.",),
        "Hold it", Permission.EDITIONS_APPROVE, reason=True,
    ),
    "cancel": _Question(
        "Cancel this edition?",
        ("What has left stays out; no further copy leaves.", "Its stories are free for the next edition."),
        "Cancel it", Permission.EDITIONS_APPROVE, reason=True, kind="danger",
    ),
}  # fmt: skip


def add_pages(frame: Frame) -> None:
    """The acts, and the pages that ask before one."""
    viewer = EditionViewer(frame)
    app, store = frame.site.app, frame.site.store

    @frame.get("/editions/{edition}/ask/{name}", Permission.EDITIONS_READ)
    def ask(request: Request, visit: Visitor, edition: str, name: str) -> Response:
        question = _QUESTIONS.get(name)
        if question is None:
            raise HTTPException(404)
        revision = app.desk.revision(edition)
        context = {
            "edition": viewer.edition(revision, visit),
            "tab": "",
            "question": question,
            "action": frame.path(f"/editions/{edition}/{name}"),
            "readers": store.reports.audience(revision.edition.digest) if name == "send" else None,
            "allowed": visit.may(question.permission),
        }
        return frame.page(request, "edition-ask.html", context, here=HERE)

    @frame.post("/editions/{edition}/send", Permission.CAMPAIGNS_SEND)
    def send(visit: Visitor, edition: str) -> Response:
        app.desk.send_now(edition, by=visit.actor)
        return frame.redirect(f"/campaigns/{edition}", done="It is handed to whoever sends.")

    @frame.post("/editions/{edition}/compose", Permission.EDITIONS_WRITE)
    def compose(visit: Visitor, edition: str) -> Response:
        app.pipeline.pick_up()
        app.pipeline.classify()
        return back(frame, edition, said_of(app.desk.again(edition, by=visit.actor), "Composed again"), "")

    @frame.post("/editions/{edition}/reopen", Permission.EDITIONS_WRITE)
    def reopen(visit: Visitor, edition: str) -> Response:
        app.desk.reopen(edition, by=visit.actor)
        return frame.redirect(f"/editions/{edition}", done="It is a draft again.")

    @frame.post("/editions/{edition}/hold", Permission.EDITIONS_APPROVE)
    def hold(visit: Visitor, form: Filled, edition: str) -> Response:
        app.desk.hold(edition, form.one("reason").strip(), by=visit.actor)
        return frame.redirect(f"/editions/{edition}", done="It is held.")

    @frame.post("/editions/{edition}/cancel", Permission.EDITIONS_APPROVE)
    def cancel(visit: Visitor, form: Filled, edition: str) -> Response:
        app.desk.cancel(edition, form.one("reason").strip(), by=visit.actor)
        return frame.redirect(f"/editions/{edition}", done="It is cancelled.")

    def prove_page(request: Request, visit: Visit, edition: str, form: Form, problem: str = "") -> Response:
        revision = app.desk.revision(edition)
        language = form.one("language")
        context = {
            "edition": viewer.edition(revision, visit),
            "tab": "",
            "addresses": form.one("addresses") or visit.operator.address,
            "reader": form.one("reader"),
            "languages": [("", "the publication's", not language)]
            + [(tag, name, tag == language) for tag, name in frame.site.renderer.languages().items()],
            "problem": problem,
        }
        return frame.page(request, "edition-proof.html", context, here=HERE, status=422 if problem else 200)

    @frame.get("/editions/{edition}/proof", Permission.EDITIONS_WRITE)
    def proof(request: Request, visit: Visitor, edition: str) -> Response:
        return prove_page(request, visit, edition, Form({}))

    @frame.post("/editions/{edition}/proof", Permission.EDITIONS_WRITE)
    def prove(request: Request, visit: Visitor, form: Filled, edition: str) -> Response:
        addresses = form.one("addresses").replace(",", " ").replace(";", " ").split()
        if not 0 < len(addresses) <= _MOST_ADDRESSES:
            return prove_page(request, visit, edition, form, f"Name 1 to {_MOST_ADDRESSES} addresses.")
        try:
            reader = form.one("reader").strip()
            sent = app.desk.prove(edition, addresses, by=visit.actor, language=form.one("language"), reader=reader)
        except (AddressError, InputError, NotFound, StateError) as error:
            return prove_page(request, visit, edition, form, str(error))
        fates = ", ".join(f"{one.address}: {one.state}" for one in sent)
        return frame.redirect(f"/editions/{edition}", done=f"Proof sent. {fates}")
