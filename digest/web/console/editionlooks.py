"""An edition as it will look: desktop, phone, plain text; in any language, as any reader gets it. And one story of it.

What the frames show is made of the same parts as the mail.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from fastapi import Request
from starlette.responses import Response

from digest.compose import Chooser
from digest.desk import NOBODY
from digest.errors import DigestError, NotFound, StateError
from digest.model import Below, Copy, Permission, Preferences, Revision, Skipped
from digest.store import Act
from digest.web.console.editions import HERE
from digest.web.console.editionviews import STARTED, EditionViewer
from digest.web.console.frame import Frame, Visitor

_WAYS: Final = (("desktop", "Desktop"), ("phone", "Phone"), ("text", "Plain text"), ("web", "Web page"))
_ROLES: Final = ("primary", "counterpart", "mentioned")


def add_pages(frame: Frame) -> None:
    """The pages."""
    viewer = EditionViewer(frame)
    app, store = frame.site.app, frame.site.store

    def copy_of(revision: Revision, reader: str, language: str) -> Copy:
        """The mail as a reader of this address gets it; or, without one, with everything in it.

        Raises:
            NotFound: nobody of this address reads this digest.
            StateError: the reader's copy would be skipped.
        """
        copies = app.pipeline.messages.copies(revision)
        if not reader:
            everything = Chooser(revision.edition, app.places, below=Below.SHORT).pick(Preferences())
            if isinstance(everything, Skipped):
                raise StateError(f"edition {revision.edition.id}", "empty", "show it", "take stories in")
            return copies.look(everything, NOBODY, "", Preferences(language=language))
        for one in store.subscribers.of(reader):
            if one.digest == revision.edition.digest:
                picked = copies.picked(one.preferences)
                if isinstance(picked, Skipped):
                    raise StateError("this reader's copy", f"skipped: {picked.reason}", "show it")
                # Their own links would act: whoever looks gets some that change nothing.
                return copies.look(picked, NOBODY, one.name, one.preferences)
        raise NotFound("reader of this digest", reader, "look the address up among the subscribers")

    @frame.get("/editions/{edition}/look", Permission.EDITIONS_READ)
    def look(request: Request, visit: Visitor, edition: str) -> Response:
        revision = app.desk.revision(edition)
        query = request.query_params
        way = query.get("as", "")
        way = way if way in dict(_WAYS) else "desktop"
        # Which address reads what is for who may see subscribers.
        may_read = visit.may(Permission.SUBSCRIBERS_READ)
        reader, language = query.get("reader", "").strip() if may_read else "", query.get("language", "")
        problem, copy = "", None
        try:
            copy = copy_of(revision, reader, language)
        except DigestError as error:
            problem = str(error)
        place = f"/editions/{edition}/copy"
        context = {
            "edition": viewer.edition(revision, visit, app.desk.known(revision)),
            "tab": "look",
            "way": way,
            "ways": [
                (
                    key,
                    label,
                    frame.path(f"/editions/{edition}/look", **{"as": key, "reader": reader, "language": language}),
                )
                for key, label in _WAYS
            ],
            "reader": reader,
            "may_read": may_read,
            "languages": [("", "the publication's", not language)]
            + [(tag, name, tag == language) for tag, name in frame.site.renderer.languages().items()],
            "problem": problem,
            "subject": copy.subject if copy else "",
            "text": copy.text if copy and way == "text" else "",
            "size": f"{len(copy.html.encode()) / 1024:,.0f} KB" if copy else "",
            "items": copy.items if copy else 0,
            "source": ""
            if problem
            else frame.path(place, reader=reader, language=language, web="1" if way == "web" else ""),
        }
        return frame.page(request, "edition-look.html", context, here=HERE, status=404 if problem else 200)

    @frame.get("/editions/{edition}/copy", Permission.EDITIONS_READ)
    def copy(request: Request, visit: Visitor, edition: str) -> Response:
        revision = app.desk.revision(edition)
        if request.query_params.get("web"):
            return frame.sandboxed(app.pipeline.preview(revision)[0])
        reader = request.query_params.get("reader", "").strip() if visit.may(Permission.SUBSCRIBERS_READ) else ""
        return frame.sandboxed(copy_of(revision, reader, request.query_params.get("language", "")).html)

    @frame.get("/editions/{edition}/stories/{story}", Permission.EDITIONS_READ)
    def story(request: Request, visit: Visitor, edition: str, story: str) -> Response:
        revision = app.desk.revision(edition)
        item = revision.edition.find(story)
        if item is None:
            found = (one for one in revision.edition.items if any(story == each.uid for each in one.story.articles))
            item = next(found, None)
        if item is None:
            left = next((one for one in viewer.left_out(revision.edition) if one.key == story), None)
            if left is None:
                raise NotFound("story", story, "it is not in this edition (any more)")
            return frame.redirect(frame.path(f"/editions/{edition}/left-out", q=left.title[:60]))
        section = next(one for one in revision.edition.sections if item in one.items)
        group = next(one for one in section.groups if item in one.items)
        regions, themes = viewer.tags(item)
        names = {story, item.story.key, *(one.uid for one in item.story.articles)}
        acts = [one for one in app.desk.acts(edition) if one.story in names]
        rule = frame.site.settings.digest(revision.edition.digest)
        chosen = {tag.theme for tag in item.story.judgement.themes}
        judged = item.story.judgement
        lines = {
            role: ", ".join(viewer.words.region(tag.region) for tag in judged.regions if tag.role.value == role)
            for role in _ROLES
        }
        context = {
            "edition": viewer.edition(revision, visit, app.desk.known(revision)),
            "tab": "stories",
            "item": item,
            "key": item.story.key,
            "title": item.story.lead.title,
            "summary": " ".join(judged.summary),
            "section": section.names.get("en") or section.key,
            "theme": viewer.theme(item.theme),
            "place": 1 + group.items.index(item),
            "of": len(group.items),
            "text": item.story.lead.paragraphs[:12],
            "regions": regions,
            "themes": themes,
            "articles": viewer.articles(item),
            "acts": viewer.acts(acts, revision.edition),
            "sections": [
                (one.key, one.names.get("en") or app.places.name(one.region or one.key), one.key == section.key)
                for one in rule.sections
            ],
            "theme_choices": [("", "(no theme)", not item.theme)]
            + [(one.id, viewer.theme(one.id), one.id == item.theme) for one in app.taxonomy],
            "theme_ticks": [(one.id, viewer.theme(one.id), one.id in chosen) for one in app.taxonomy],
            "lines": lines,
            "others": _others(revision, item.story.key),
            "out": revision.state in STARTED and visit.may(Permission.EDITIONS_APPROVE),
            "online": frame.site.links.story(edition, item.story.key) if revision.state in STARTED else "",
            "dropped": any(one.act is Act.DROP for one in acts),
        }
        return frame.page(request, "edition-story.html", context, here=HERE)


def _others(revision: Revision, key: str) -> Sequence[tuple[str, str, bool]]:
    """The stories that one can be merged into."""
    return [
        (item.story.key, f"{item.number}. {item.story.lead.title[:90]}", False)
        for item in revision.edition.items
        if item.story.key != key
    ]
