"""Sources: how each does, what its polls came to, a trial fetch; added, stopped, taken out; lists in and out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final

from fastapi import Request
from starlette.responses import Response

from digest.desk.sourcedesk import HISTORY
from digest.errors import Busy, DigestError, InputError
from digest.fetch import Failed, Fetched, Gone
from digest.model import Article, Condition, Permission, Rights
from digest.pickup.live import Asked
from digest.sources import Standing
from digest.store import PollDay
from digest.web.console.frame import Filled, Frame, TimeView, Visitor
from digest.web.console.pictures import bars
from digest.web.forms import Form

_SHOWN: Final = 12  # articles of a trial
_LONGEST_LIST: Final = 5_000_000


@dataclass(frozen=True, kw_only=True)
class SourceView:
    """A source in the list."""

    key: str
    href: str
    publisher: str
    condition: str
    said: str
    last: TimeView | None
    new: TimeView | None
    next: TimeView | None
    every: str


def add_pages(frame: Frame) -> None:
    """The pages and acts below /console/sources."""
    pages, desk = _Pages(frame), frame.site.app.source_desk

    @frame.get("/sources", Permission.SOURCES_READ)
    def sources(request: Request) -> Response:
        return pages.all(request)

    @frame.get("/sources/new", Permission.SOURCES_WRITE)
    def new(request: Request) -> Response:
        return pages.new(request, {})

    @frame.post("/sources/new", Permission.SOURCES_WRITE)
    def add(request: Request, visit: Visitor, form: Filled) -> Response:
        return pages.add(request, visit, form)

    @frame.get("/sources/opml", Permission.SOURCES_READ)
    def export(request: Request) -> Response:  # noqa: ARG001 - FastAPI finds nothing else to call
        return frame.download(desk.export_opml(), "text/x-opml; charset=utf-8", "sources.opml")

    @frame.get("/sources/import", Permission.SOURCES_WRITE)
    def offer(request: Request) -> Response:
        return pages.offer(request)

    @frame.post("/sources/import", Permission.SOURCES_WRITE)
    def take(request: Request, visit: Visitor, form: Filled) -> Response:
        return pages.take(request, visit, form)

    @frame.get("/sources/{key}", Permission.SOURCES_READ)
    def source(request: Request, key: str) -> Response:
        return pages.one(request, key)

    @frame.get("/sources/{key}/polls.svg", Permission.SOURCES_READ)
    def polls(key: str) -> Response:
        return frame.svg(pages.picture(key))

    @frame.post("/sources/{key}/test", Permission.SOURCES_READ)
    def test(request: Request, key: str) -> Response:
        return pages.test(request, key)

    @frame.post("/sources/{key}/poll", Permission.SOURCES_WRITE)
    def poll(visit: Visitor, key: str) -> Response:
        return pages.poll(visit, key)

    def act(name: str, said: str, do: Callable[[str, Visitor, Form], object]) -> None:
        @frame.post(f"/sources/{{key}}/{name}", Permission.SOURCES_WRITE)
        def acting(visit: Visitor, form: Filled, key: str) -> Response:
            try:
                do(key, visit, form)
            except InputError as error:
                return frame.redirect(f"/sources/{key}", problem=f"{error.what}: {error.remedy}")
            return frame.redirect("/sources" if name == "remove" else f"/sources/{key}", done=said)

    act("stop", "It is not asked until you let it go on.", lambda k, v, f: desk.stop(k, f.one("reason"), by=v.actor))
    act("go-on", "It is asked again when it is due.", lambda k, v, _: desk.go_on(k, by=v.actor))
    act("accept", "The next poll takes what is held.", lambda k, v, _: desk.accept(k, by=v.actor))
    act("remove", "It is not asked any more; its articles stay.", lambda k, v, _: desk.remove(k, by=v.actor))


class _Pages:
    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._app = frame.site.app
        self._desk = frame.site.app.source_desk

    def _time(self, moment: datetime | None) -> TimeView | None:
        return self._frame.time(moment) if moment else None

    # ---- the list

    def all(self, request: Request) -> Response:
        """Every source; those in trouble first."""
        asked = request.query_params
        chosen = asked.get("condition", "")
        condition = Condition(chosen) if chosen in set(Condition) else None
        found = self._desk.list(asked.get("q", ""), condition)
        context = {
            "rows": [self._view(one) for one in found],
            "q": asked.get("q", ""),
            "conditions": [("", "all", not chosen), *((one.value, one.value, one is condition) for one in Condition)],
            "folders": [(one.key, one.kind.value, one.location) for one in self._desk.folders()],
            "here": self._frame.path("/sources"),
            "new": self._frame.path("/sources/new"),
            "opml": self._frame.path("/sources/opml"),
            "offer": self._frame.path("/sources/import"),
        }
        return self._frame.page(request, "sources.html", context, here="sources")

    def _view(self, one: Standing) -> SourceView:
        state = one.state
        held = f"{state.held} old items came as new, and wait" if state.held else ""
        return SourceView(
            key=one.source.key,
            href=self._frame.path(f"/sources/{one.source.key}"),
            publisher=one.source.publisher,
            condition=one.condition.value,
            said=state.stopped or state.error or held,
            last=self._time(state.last_ok),
            new=self._time(state.last_new),
            next=None if state.gone or state.stopped else self._time(state.next_poll),
            every=_span(state.interval),
        )

    # ---- one

    def one(self, request: Request, key: str) -> Response:
        """A source with its history."""
        look = self._desk.look(key)
        standing = look.standing
        state, source = standing.state, standing.source
        every = f"{_span(state.interval)}" + (f"; it brings one in {_span(state.rhythm)}" if state.rhythm else "")
        facts = (
            ("Address", source.location),
            ("Moved to", state.moved_to),
            ("Publisher", source.publisher),
            ("Rights", source.rights.value + (", whole pages are fetched" if source.full_text else "")),
            ("Asked every", every),
            ("Last asked", _full(self._time(state.last_poll))),
            ("Last answer", _full(self._time(state.last_ok))),
            ("Last new article", _full(self._time(state.last_new))),
            ("Asked again", "" if state.gone or state.stopped else _full(self._time(state.next_poll)) or "at once"),
            ("Failures in a row", str(state.failures) if state.failures else ""),
            ("Last error", state.error),
            ("Held items", str(state.held) if state.held else ""),
            ("Stopped", state.stopped),
            ("Kept by", "the desk" if standing.added else "digest.toml"),
        )
        context = {
            "key": key,
            "view": self._view(standing),
            "facts": [(label, value) for label, value in facts if value],
            "days": [_day(one) for one in reversed(look.days)],
            "sum": _sum(look.days),
            "problems": [
                (one.what, one.remedy, one.times, self._time(one.last), self._time(one.resolved))
                for one in look.problems[:50]
            ],
            "latest": [self._article(one) for one in look.latest],
            "added": standing.added,
            "stopped": bool(state.stopped),
            "held": bool(state.held or state.gone),
            "base": self._frame.path(f"/sources/{key}"),
            "articles": self._frame.path("/articles", source=key),
            "back": self._frame.path("/sources"),
        }
        return self._frame.page(request, "source.html", context, here="sources")

    def _article(self, article: Article) -> tuple[str, str, TimeView]:
        return article.title, self._frame.path(f"/articles/{article.uid}"), self._frame.time(article.when)

    def picture(self, key: str) -> bytes:
        """What its polls came to, day by day."""
        return _drawn(key, self._desk.look(key).days, self._frame.site.clock().astimezone(UTC).date())

    # ---- acts

    def test(self, request: Request, key: str) -> Response:
        """What it answers now; nothing is kept."""
        return self._trial(request, f"Test of {key}", self._desk.test(key), f"/sources/{key}")

    def _trial(self, request: Request, title: str, asked: Asked, back: str) -> Response:
        result, reading = asked.result, asked.reading
        problem, facts = "", list[tuple[str, str]]()
        if isinstance(result, Failed):
            problem = result.what
        elif isinstance(result, Gone):
            problem = "The server says that it is gone for good (410)."
        elif isinstance(result, Fetched):
            facts = [
                ("Answered by", result.final),
                ("Moved to", result.moved_to),
                ("Type", " ".join(part for part in (result.content_type, result.charset) if part)),
                ("Size", f"{len(result.body):,} bytes in {result.seconds:.2f} s"),
                ("ETag", result.etag or "none: each poll fetches all of it"),
                ("Last-Modified", result.last_modified),
            ]
        if asked.error is not None:
            problem = str(asked.error)
        context = {
            "title": title,
            "problem": problem,
            "facts": [(label, value) for label, value in facts if value],
            "articles": self._brought(reading.articles if reading else ()),
            "count": len(reading.articles) if reading else 0,
            "left_out": [str(one) for one in (reading.problems[:_SHOWN] if reading else ())],
            "back": self._frame.path(back),
        }
        return self._frame.page(request, "source-trial.html", context, here="sources")

    def _brought(self, articles: Sequence[Article]) -> list[tuple[str, str, TimeView | None, str]]:
        latest = sorted(articles, key=lambda one: one.when, reverse=True)[:_SHOWN]
        return [(one.title, one.language, self._time(one.published), one.url) for one in latest]

    def poll(self, visit: Visitor, key: str) -> Response:
        """Ask it now."""
        try:
            came = self._desk.poll(key, by=visit.actor)
        except Busy:
            return self._frame.redirect(f"/sources/{key}", problem="Sources are being asked this moment: try again.")
        if came.problems:
            return self._frame.redirect(f"/sources/{key}", problem=str(came.problems[0].what))
        said = f"{came.new} new, {came.edited} edited, {came.unchanged} seen before."
        return self._frame.redirect(f"/sources/{key}", done=said)

    def new(self, request: Request, fields: dict[str, str], *, problem: str = "", found: object = None) -> Response:
        """The form, and what was found behind the address."""
        context = {
            "fields": {name: fields.get(name, "") for name in ("url", "key", "publisher")},
            "rights": [
                (one.value, one.value, one.value == (fields.get("rights") or Rights.SUMMARY.value)) for one in Rights
            ],
            "problem": problem,
            "found": found,
            "here": self._frame.path("/sources/new"),
            "back": self._frame.path("/sources"),
        }
        return self._frame.page(request, "source-new.html", context, here="sources", status=422 if problem else 200)

    def add(self, request: Request, visit: Visitor, form: Form) -> Response:
        """Look behind the address; keep what was found once that is asked for."""
        fields = {name: form.one(name) for name in ("url", "key", "publisher", "rights")}
        rights = Rights(fields["rights"]) if fields["rights"] in set(Rights) else Rights.SUMMARY
        try:
            if form.one("step") == "keep":
                kept = self._desk.add(
                    fields["url"], key=fields["key"], publisher=fields["publisher"], rights=rights, by=visit.actor
                )
                return self._frame.redirect(
                    f"/sources/{kept.key}", done="It is kept; the next poll takes its articles."
                )
            found = self._desk.find(fields["url"])
        except DigestError as error:
            remedy = getattr(error, "remedy", "")
            what = getattr(error, "what", str(error))
            return self.new(request, fields, problem=f"{what}{f' ({remedy})' if remedy else ''}")
        names = [one.publisher for one in found.reading.articles if one.publisher]
        fields["url"] = found.url
        fields["publisher"] = fields["publisher"] or (max(set(names), key=names.count) if names else "")
        view = {
            "count": len(found.reading.articles),
            "articles": self._brought(found.reading.articles),
            "others": found.others[:_SHOWN],
        }
        return self.new(request, fields, found=view)

    # ---- lists

    def offer(self, request: Request, *, problem: str = "", lines: object = None, text: str = "") -> Response:
        """The form for an OPML list, and what would become of each of its lines."""
        context = {
            "problem": problem,
            "lines": lines,
            "text": text,
            "rights": [(one.value, one.value, one is Rights.SUMMARY) for one in Rights],
            "here": self._frame.path("/sources/import"),
            "back": self._frame.path("/sources"),
        }
        return self._frame.page(request, "source-import.html", context, here="sources", status=422 if problem else 200)

    def take(self, request: Request, visit: Visitor, form: Form) -> Response:
        """Show what a list would bring; keep it once that is asked for."""
        data = form.file("list") or form.one("text").encode()
        rights = Rights(form.one("rights")) if form.one("rights") in set(Rights) else Rights.SUMMARY
        keep = form.one("step") == "keep"
        if not data.strip():
            return self.offer(request, problem="Choose a file, or paste the list.")
        try:
            found = self._desk.import_opml(data, "list.opml", rights=rights, keep=keep, by=visit.actor)
        except DigestError as error:
            return self.offer(request, problem=str(error))
        if keep:
            kept = sum(not line.why for line in found)
            return self._frame.redirect("/sources", done=f"{kept} sources are kept, {len(found) - kept} lines are not.")
        lines = [(one.line, one.title, one.url, one.key, one.why) for one in found]
        return self.offer(request, lines=lines, text=data.decode("utf-8", "replace"))


@lru_cache(maxsize=64)  # drawing takes a moment, and the figures seldom change
def _drawn(key: str, known: tuple[PollDay, ...], today: date) -> bytes:
    days = {one.day: one for one in known}
    every = [today - timedelta(days=number) for number in reversed(range(HISTORY.days))]

    def figures(name: str, sign: int = 1) -> list[int]:
        return [sign * getattr(days[day], name) if day in days else 0 for day in every]

    return bars(
        f"Articles and failures of {key}",
        [f"{day.day} {day:%b}" for day in every],
        {
            "new articles": figures("fresh"),
            "edited": figures("edited"),
            "failed polls": figures("failed", -1),
        },
        stacked=True,
        said=f"New and edited articles above the line, failed polls below it, over {HISTORY.days} days.",
    )


def _span(length: timedelta) -> str:
    minutes = round(length.total_seconds() / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours = minutes / 60
    return f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.0f} days"


def _full(view: TimeView | None) -> str:
    return f"{view.full} ({view.away})" if view else ""


def _day(one: PollDay) -> tuple[str, int, int, int, int, int, int]:
    return one.day.isoformat(), one.asked, one.unmodified, one.failed, one.fresh, one.edited, one.held


def _sum(days: Sequence[PollDay]) -> dict[str, int]:
    return {name: sum(getattr(one, name) for one in days) for name in ("asked", "failed", "fresh", "edited")}
