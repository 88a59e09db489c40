"""What is done to the stories of an edition: a form each, an act of the desk each, and back to where it came from."""

from __future__ import annotations

from collections.abc import Callable

from starlette.responses import Response

from digest.desk import Composed
from digest.errors import InputError, NotFound
from digest.model import Edition, Permission, Revision, Skipped
from digest.web.console.frame import Filled, Frame, Visitor
from digest.web.doors import Visit
from digest.web.forms import Form


def add_pages(frame: Frame) -> None:
    """The acts."""
    app = frame.site.app

    @frame.post("/editions/{edition}/stories", Permission.EDITIONS_WRITE)
    def line(visit: Visitor, form: Filled, edition: str) -> Response:
        """The buttons of a line: what is to be done, and the story, in one value."""
        act, _, story = form.one("act").partition(" ")
        found = app.desk.revision(edition).edition
        match act:
            case "pin":
                said = said_of(app.desk.pin(edition, story, by=visit.actor), "Pinned")
            case "unpin":
                said = said_of(app.desk.unpin(edition, story, by=visit.actor), "Not pinned any more")
            case "up" | "down":
                place = _place(found, story) + (-1 if act == "up" else 1)
                said = said_of(app.desk.move(edition, story, place=max(1, place), by=visit.actor), "Moved")
            case "drop":
                said = said_of(app.desk.drop(edition, story, by=visit.actor), "Dropped")
            case "take":
                said = said_of(app.desk.take_in(edition, story, by=visit.actor), "Taken in")
            case _:
                raise InputError("no such act", remedy="go back, and use the page's own buttons")
        tab = "/left-out" if act == "take" else ""
        return back(frame, f"{edition}{tab}", said, _title(found, story), anchor="" if act == "drop" else story)

    def act(name: str, decide: Callable[[Visit, Form, str, str], Composed], done: str) -> None:
        """Add an act on one story, whose page says what was wrong with the form."""

        @frame.post(f"/editions/{{edition}}/stories/{{story}}/{name}", Permission.EDITIONS_WRITE)
        def one(visit: Visitor, form: Filled, edition: str, story: str) -> Response:
            title = _title(app.desk.revision(edition).edition, story)
            try:
                composed = decide(visit, form, edition, story)
            except InputError as error:
                said = f"{error.what} ({error.remedy})" if error.remedy else error.what
                return frame.redirect(frame.path(f"/editions/{edition}/stories/{story}"), problem=f"Not done: {said}.")
            still = isinstance(composed, Revision) and composed.edition.find(story) is not None
            return back(frame, f"{edition}/stories/{story}" if still else edition, said_of(composed, done), title)

    act("pin", lambda visit, _form, edition, story: app.desk.pin(edition, story, by=visit.actor), "Pinned")
    act(
        "unpin",
        lambda visit, _form, edition, story: app.desk.unpin(edition, story, by=visit.actor),
        "Not pinned any more",
    )
    act("drop", lambda visit, form, edition, story: app.desk.drop(
        edition, story, form.one("reason").strip(), by=visit.actor), "Dropped")  # fmt: skip
    act("retitle", lambda visit, form, edition, story: app.desk.retitle(
        edition, story, form.one("title"), by=visit.actor), "Headline changed")  # fmt: skip
    act("summarize", lambda visit, form, edition, story: app.desk.summarize(
        edition, story, form.one("summary"), by=visit.actor), "Summary changed")  # fmt: skip
    act("merge", lambda visit, form, edition, story: app.desk.merge(
        edition, story, form.one("into"), by=visit.actor), "Merged")  # fmt: skip
    act("split", lambda visit, form, edition, _story: app.desk.split(
        edition, form.one("article"), by=visit.actor), "Now a story of its own")  # fmt: skip
    act("undo", lambda visit, _form, edition, story: app.desk.undo_story(
        edition, story, by=visit.actor), "Everything decided about it is taken back")  # fmt: skip

    def move(visit: Visit, form: Form, edition: str, story: str) -> Composed:
        item = app.desk.revision(edition).edition.find(story)
        theme = form.one("theme") if item is not None and form.one("theme") != item.theme else None
        stands = next(
            (one.key for one in app.desk.revision(edition).edition.sections if item is not None and item in one.items),
            "",
        )
        section = form.one("section") if form.one("section") != stands else ""
        return app.desk.move(
            edition, story, section=section, theme=theme, place=_count(form.one("place")), by=visit.actor
        )

    act("move", move, "Moved")

    def refile(visit: Visit, form: Form, edition: str, story: str) -> Composed:
        regions: dict[str, str] = {}
        for role in ("primary", "counterpart", "mentioned"):
            for text in filter(None, map(str.strip, form.one(role).replace("，", ",").split(","))):
                place = app.places.find(text.upper()) or app.places.resolve(text)
                if place is None and (place := app.places.find(text)) is None:
                    raise InputError(f"no region '{text}'", remedy="write its name or code: Guangdong, CN-GD, x-gba")
                regions.setdefault(place.code, role)
        themes = list(form.all("theme")) if form.one("themes_shown") else None
        return app.desk.refile(edition, story, themes=themes, regions=regions or None, by=visit.actor)

    act("refile", refile, "Refiled, here and in every later edition")

    @frame.post("/editions/{edition}/undo", Permission.EDITIONS_WRITE)
    def undo(visit: Visitor, form: Filled, edition: str) -> Response:
        composed = app.desk.undo(edition, _count(form.one("act")), by=visit.actor)
        story = form.one("story")
        where = f"{edition}/stories/{story}" if story else f"{edition}/history"
        if story and (isinstance(composed, Skipped) or composed.edition.find(story) is None):
            where = edition
        return back(frame, where, said_of(composed, "Taken back"), "")

    @frame.post("/editions/{edition}/note", Permission.EDITIONS_WRITE)
    def note(visit: Visitor, form: Filled, edition: str) -> Response:
        text = form.one("note").replace("\r\n", "\n").strip()
        composed = app.desk.note(edition, text, by=visit.actor)
        return back(frame, edition, said_of(composed, "The note stands above the stories" if text else "No note"), "")

    @frame.post("/editions/{edition}/stories/{story}/correct", Permission.EDITIONS_APPROVE)
    def correct(visit: Visitor, form: Filled, edition: str, story: str) -> Response:
        app.desk.correct(edition, story, form.one("text"), by=visit.actor)
        return frame.redirect(f"/editions/{edition}/stories/{story}", done="The next edition tells it.")


def said_of(composed: Composed, done: str) -> tuple[str, str]:
    """What came of an act, as (done, note)."""
    if isinstance(composed, Skipped):
        return "", f"{done}. There is no edition any more: {composed.reason}"
    return done, ""


def back(frame: Frame, where: str, said: tuple[str, str], title: str, anchor: str = "") -> Response:
    """To a page of editions after an act, with what came of it; `anchor` is a story's line on that page."""
    done, note = said
    about = f": {title}" if title else ""
    path = frame.path(f"/editions/{where}") + (f"#s-{anchor}" if anchor else "")
    return frame.redirect(path, done=f"{done}{about}." if done else "", note=note)


def _title(edition: Edition, story: str) -> str:
    item = edition.find(story)
    if item is not None:
        return item.story.lead.title
    return next((left.title for left in edition.left_out if left.story == story), "")


def _place(edition: Edition, story: str) -> int:
    """The place of a story among those of its section and theme, from 1."""
    for section in edition.sections:
        for group in section.groups:
            for place, item in enumerate(group.items, start=1):
                if item.story.key == story:
                    return place
    raise NotFound("story", story, "it is not in this edition any more")


def _count(text: str) -> int:
    text = text.strip()
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise InputError(f"“{text[:20]}” is no number", remedy="write digits")
    return int(text)
