"""Articles: found, looked at, refiled, held, withdrawn, corrected; and what the theme learner is not sure of."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from fastapi import Request
from starlette.responses import Response

from digest.desk import Consequence
from digest.errors import InputError, NotFound, StateError
from digest.model import Permission
from digest.store import Act, Mark, Sought
from digest.web.console import articleviews as views
from digest.web.console.frame import Filled, Frame, Visitor
from digest.web.forms import Form
from digest.web.listing import Column, Listing, write_cursor

_COLUMNS: Final = (
    Column("tick", ""),
    Column("title", "Headline"),
    Column("when", "Dated", sort="date"),
    Column("source", "Source"),
    Column("regions", "Regions"),
    Column("themes", "Themes"),
)
_FILTERS: Final = ("q", "source", "region", "theme", "mark", "since", "until")
_EMPTY_ROWS: Final = 2  # for further regions on the form


@dataclass(frozen=True, kw_only=True)
class RegionRow:
    """A region on the form."""

    number: int
    region: str
    role: str


def add_pages(frame: Frame) -> None:
    """The pages and acts below /console/articles, without those of filing rules."""
    pages = _Pages(frame)

    @frame.get("/articles", Permission.ARTICLES_READ)
    def articles(request: Request) -> Response:
        return pages.several(request)

    @frame.get("/articles/queue", Permission.ARTICLES_READ)
    def queue(request: Request) -> Response:
        return pages.queue(request)

    @frame.get("/articles/{uid}", Permission.ARTICLES_READ)
    def article(request: Request, uid: str) -> Response:
        return pages.one(request, uid)

    @frame.post("/articles/many", Permission.ARTICLES_WRITE)
    def many(visit: Visitor, form: Filled) -> Response:
        return pages.many(visit, form)

    @frame.post("/articles/{uid}/themes", Permission.ARTICLES_WRITE)
    def themes(visit: Visitor, form: Filled, uid: str) -> Response:
        return pages.themes(visit, form, uid)

    @frame.post("/articles/{uid}/regions", Permission.ARTICLES_WRITE)
    def regions(request: Request, visit: Visitor, form: Filled, uid: str) -> Response:
        return pages.regions(request, visit, form, uid)

    @frame.post("/articles/{uid}/hold", Permission.ARTICLES_WRITE)
    def hold(request: Request, visit: Visitor, form: Filled, uid: str) -> Response:
        return pages.act(
            request, uid, "hold", lambda: frame.site.app.newsroom.hold([uid], form.one("reason"), by=visit.actor)
        )

    @frame.post("/articles/{uid}/release", Permission.ARTICLES_WRITE)
    def release(request: Request, visit: Visitor, uid: str) -> Response:
        return pages.act(request, uid, "release", lambda: frame.site.app.newsroom.release([uid], by=visit.actor))

    @frame.post("/articles/{uid}/withdraw", Permission.EDITIONS_APPROVE)
    def withdraw(request: Request, visit: Visitor, form: Filled, uid: str) -> Response:
        return pages.act(
            request,
            uid,
            "withdraw",
            lambda: frame.site.app.newsroom.withdraw(uid, form.one("reason"), by=visit.actor),
        )

    @frame.post("/articles/{uid}/correct", Permission.EDITIONS_APPROVE)
    def correct(request: Request, visit: Visitor, form: Filled, uid: str) -> Response:
        return pages.act(
            request,
            uid,
            "correct",
            lambda: frame.site.app.newsroom.correct(
                uid, form.one("text"), title=form.one("title"), summary=form.one("summary"), by=visit.actor
            ),
            said=form,
        )

    @frame.post("/articles/{uid}/tell", Permission.CAMPAIGNS_SEND)
    def tell(request: Request, visit: Visitor, uid: str) -> Response:
        return pages.act(request, uid, "tell", lambda: frame.site.app.newsroom.tell(uid, by=visit.actor))


class _Pages:
    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._site = frame.site
        self._app = frame.site.app

    def _region(self, code: str) -> str:
        return self._app.places.name(code) if self._app.places.find(code) else code

    def _theme(self, name: str) -> str:
        found = self._app.taxonomy.resolve(name)
        return self._app.taxonomy.name(found.id) if found else name

    # ---- lists

    def several(self, request: Request) -> Response:
        """The list, narrowed and paged in the store."""
        asked = request.query_params
        zone = self._site.settings.zone
        listing = Listing.read(request, _COLUMNS, sort="-date", prefix=self._frame.prefix)
        place = self._app.places.resolve(asked.get("region", "").strip())
        sought = Sought(
            text=asked.get("q", ""),
            source=asked.get("source", ""),
            region=place.code if place else asked.get("region", "").strip(),
            theme=asked.get("theme", ""),
            mark=Mark(asked["mark"]) if asked.get("mark") in set(Mark) else None,
            since=_day(asked.get("since", ""), zone),
            until=_day(asked.get("until", ""), zone, after=True),
        )
        after = listing.after[0] if listing.after and isinstance(listing.after[0], int) else 0
        found = self._site.store.cards.find(
            sought, after=after, oldest_first=listing.sort == "date", limit=listing.limit + 1
        )
        more = len(found) > listing.limit
        rows = [views.line(self._frame, card, self._region, self._theme) for _, card in found[: listing.limit]]
        context = {
            "listing": listing.following(rows, write_cursor([found[listing.limit - 1][0]]) if more else ""),
            "asked": {
                name: asked.get(name, "") for name in ("q", "source", "region", "theme", "mark", "since", "until")
            },
            "sources": self._sources(asked.get("source", "")),
            "themes": self._themes(asked.get("theme", "")),
            "marks": [("", "all", not sought.mark), *((mark.value, mark.value, mark is sought.mark) for mark in Mark)],
            "here": listing.path,
            "rules": self._frame.path("/articles/rules"),
            "queue": self._frame.path("/articles/queue"),
            "all_themes": [("", "choose a theme", True), *self._themes("")[1:]],
            "many": self._frame.path("/articles/many"),
        }
        return self._frame.page(request, "articles.html", context, here="articles")

    def _sources(self, chosen: str) -> list[tuple[str, str, bool]]:
        keys = sorted({*(source.key for source in self._site.settings.sources), *self._kept()} | ({chosen} - {""}))
        return [("", "all", not chosen), *((key, key, key == chosen) for key in keys)]

    def _kept(self) -> set[str]:
        return {source.key for source in self._site.store.sources.kept()}

    def _themes(self, chosen: str) -> list[tuple[str, str, bool]]:
        names = [(theme.id, self._app.taxonomy.name(theme.id), theme.id == chosen) for theme in self._app.taxonomy]
        return [("", "all", not chosen), *sorted(names, key=lambda one: one[1])]

    def queue(self, request: Request) -> Response:
        """What the theme learner leaves to an editor."""
        newsroom = self._app.newsroom
        found = newsroom.unsure()
        rows = [
            (
                one.article.title,
                self._frame.path(f"/articles/{one.article.uid}"),
                self._frame.time(one.article.when),
                one.article.publisher or one.article.source,
                ", ".join(map(self._theme, one.themes)) or "none",
                ", ".join(map(self._theme, one.between)),
            )
            for one in found
        ]
        context = {"rows": rows, "learns": newsroom.learns(), "back": self._frame.path("/articles")}
        return self._frame.page(request, "article-queue.html", context, here="articles")

    # ---- one

    def one(
        self, request: Request, uid: str, *, problem: str = "", form: str = "", said: Form | None = None
    ) -> Response:
        """An article with all that is known of it."""
        look = self._app.newsroom.look(uid)
        article, judgement = look.article, look.judgement
        themes = views.themes_of(judgement, self._theme)
        main = themes[0].id if themes else ""
        held = {tag.id for tag in themes}
        regions = views.regions_of(judgement, self._region)
        shown = [tag for tag in regions if tag.role != "mentioned"]
        rows = [RegionRow(number=place, region=tag.id, role=tag.role) for place, tag in enumerate(shown)]
        rows += [RegionRow(number=len(shown) + place, region="", role="primary") for place in range(_EMPTY_ROWS)]
        context = {
            "article": article,
            "title": article.title,
            "summary": " ".join(judgement.summary) if judgement else "",
            "paragraphs": article.paragraphs,
            "marks": [mark.value for mark in look.marks],
            "barred": Mark.HELD in look.marks or Mark.WITHDRAWN in look.marks,
            "withdrawn": Mark.WITHDRAWN in look.marks,
            "corrected": any(one.act is Act.CORRECT and one.undone is None for one in look.acts),
            "when": self._frame.time(article.when),
            "url": article.url if article.url.startswith(("https://", "http://")) else "",
            "facts": views.facts_of(self._frame, article, self._site.renderer),
            "regions": regions,
            "themes": themes,
            "judged": judgement is not None,
            "places": views.places_of(self._frame, look),
            "versions": views.versions_of(self._frame, look.versions),
            "acts": views.acts_of(self._frame, look.acts, self._region, self._theme),
            "editions": look.editions,
            "main": [("", "none", not main), *((one, name, one == main) for one, name, _ in self._themes("")[1:])],
            "ticks": [(one, name, one in held and one != main) for one, name, _ in self._themes("")[1:]],
            "rows": rows,
            "roles": views.ROLES,
            "base": self._frame.path(f"/articles/{uid}"),
            "rule": self._frame.path("/articles/rules/new", article=uid),
            "back": self._frame.path("/articles"),
            "problem": problem,
            "form": form,
            "said": {name: said.one(name) if said else "" for name in ("text", "title", "summary")},
        }
        return self._frame.page(request, "article.html", context, here="articles", status=422 if problem else 200)

    # ---- acts

    def themes(self, visit: Visitor, form: Form, uid: str) -> Response:
        """The main theme first, then the others that are ticked."""
        known = {theme.id for theme in self._app.taxonomy}
        chosen = [one for one in dict.fromkeys((form.one("main"), *form.all("theme"))) if one in known]
        self._app.newsroom.refile([uid], themes=chosen, by=visit.actor)
        return self._frame.redirect(f"/articles/{uid}", done="Its themes are as you said; the learner notes it.")

    def regions(self, request: Request, visit: Visitor, form: Form, uid: str) -> Response:
        """The regions that are filled in, with their roles, the first one first."""
        chosen: dict[str, str] = {}
        for number in range(50):
            text = form.one(f"region-{number}").strip()
            if text:
                place = self._app.places.resolve(text)
                if place is None:
                    return self.one(request, uid, problem=f"There is no region “{text}”.", form="regions")
                role = form.one(f"role-{number}")
                chosen[place.code] = role if role in views.ROLES else "primary"
        self._app.newsroom.refile([uid], regions=chosen, by=visit.actor)
        return self._frame.redirect(f"/articles/{uid}", done="Its regions are as you said.")

    def act(
        self, request: Request, uid: str, name: str, do: Callable[[], object], *, said: Form | None = None
    ) -> Response:
        """An act that may be refused; then the article again, with what came of it."""
        try:
            came = do()
        except (InputError, StateError) as error:
            text = error.what if isinstance(error, InputError) else str(error)
            remedy = getattr(error, "remedy", "")
            return self.one(request, uid, problem=f"{text}{f' ({remedy})' if remedy else ''}", form=name, said=said)
        return self._frame.redirect(f"/articles/{uid}", done=_told(name, came))

    def many(self, visit: Visitor, form: Form) -> Response:
        """One act on the rows that were ticked."""
        uids = [uid for uid in form.all("uid") if uid.isalnum()]
        back = form.one("back") if form.one("back").startswith(self._frame.path("/articles")) else "/articles"
        newsroom, act = self._app.newsroom, form.one("act")
        if not uids:
            return self._frame.redirect(back, problem="No article was ticked.")
        if act == "release":
            count = newsroom.release(uids, by=visit.actor)
            return self._frame.redirect(back, done=f"{count} of {len(uids)} released.")
        if act == "hold":
            reason = form.one("reason").strip() or "held from the list"
            count = newsroom.hold(uids, reason, by=visit.actor)
            return self._frame.redirect(back, done=f"{count} of {len(uids)} held.")
        with suppress(NotFound):
            newsroom.refile(uids, themes=[form.one("theme")], by=visit.actor)
            return self._frame.redirect(back, done=f"{len(uids)} refiled under {self._theme(form.one('theme'))}.")
        return self._frame.redirect(back, problem="Choose the theme under which they belong.")


def _told(act: str, came: object) -> str:
    """What came of an act, in a sentence or two."""
    if isinstance(came, Consequence):
        said = "Withdrawn." if act == "withdraw" else "Corrected."
        out = f" Revised and published again: {', '.join(came.revised)}." if came.revised else ""
        wait = f" Composed again, to be approved: {', '.join(came.waiting)}." if came.waiting else ""
        return said + out + wait
    if act == "tell":
        return f"{came} mails are queued." if came else "Everybody who received it was told already."
    if act == "release":
        return "Released: editions may use it again."
    return "Held: no edition uses it until it is released."


def _day(text: str, zone: ZoneInfo, *, after: bool = False) -> datetime | None:
    """A date of the form, as the instant at which the day begins, or ends."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    if after:
        day += timedelta(days=1)
    return datetime.combine(day, time(), tzinfo=zone)
