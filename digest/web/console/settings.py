"""Settings: what is in force and where it came from; the few that are safe to change here, each change on record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fastapi import Request
from starlette.responses import Response

from digest.errors import InputError
from digest.model import Permission
from digest.settings import DESK, FILE, Settings
from digest.web.console.frame import Frame, Visitor
from digest.web.doors import Filled, Visit

# Setting -> label, what it does, and the kind of its field. Which they are says digest.settings.CHANGEABLE.
_OFFERED: Final = (
    ("operations.alarm", "Who is told when something goes wrong", "An e-mail address; empty for nobody.", "email"),
    ("operations.warn_hours", "Warn of bad sources before an edition is due", "Hours.", "text"),
    ("mail.rate", "Most copies a second", "0: as fast as the server takes them.", "text"),
    ("delivery.halt_share", "Stop a campaign at this share of refusals", "0.05 is one in twenty.", "text"),
    ("delivery.linger", "Wait for deferred copies at the end of a run", "Seconds.", "text"),
    (
        "web.requests_per_hour",
        "Most sign-ups and requests for a link in an hour",
        "From all networks together.",
        "text",
    ),
    ("console.second_factor", "Second factor of operators", "optional, or required of everyone.", "factor"),
    ("console.session_hours", "Sign in again after", "Hours.", "text"),
    ("console.idle_minutes", "A session ends when it was not used for", "Minutes.", "text"),
)
_LONGEST: Final = 320


@dataclass(frozen=True, kw_only=True)
class OfferedView:
    """A setting that can be changed here.

    Attributes:
        value: in force now, or in a moment.
        origin: where it came from.
        waits: it was changed, and is in force when this process has started again.
        closed: the environment says what it is, so that nothing can be changed here.
        ours: it was changed at the desk, and can be put back.
    """

    path: str
    label: str
    hint: str
    kind: str
    value: str
    origin: str
    waits: bool
    closed: bool
    ours: bool
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class RowView:
    """A setting that can only be read."""

    name: str
    value: str
    origin: str


def add_pages(frame: Frame) -> None:
    """The page, and changing one setting."""
    app = frame.site.app

    def page(request: Request, visit: Visit, path: str = "", value: str = "", problem: str = "") -> Response:
        rows = list(app.settings.rows())
        known = {name: (text, origin) for name, text, origin in rows}
        kept = app.store.overrides.all()
        offered = []
        for name, label, hint, kind in _OFFERED:
            running, origin = known[name]
            shown = kept.get(name, running if origin != DESK else str(_default(app.settings, name)))
            offered.append(
                OfferedView(
                    path=name,
                    label=label,
                    hint=hint,
                    kind=kind,
                    value=value if name == path else shown.removesuffix(".0"),
                    origin=DESK if name in kept else origin,
                    waits=(name in kept and not _same(kept[name], running)) or (name not in kept and origin == DESK),
                    closed=origin.startswith(("environment", "file ")),
                    ours=name in kept,
                    problem=problem if name == path else "",
                )
            )
        tables: dict[str, list[RowView]] = {}
        for name, text, origin in rows:
            tables.setdefault(name.partition(".")[0], []).append(RowView(name=name, value=text, origin=origin))
        context = {
            "offered": offered if visit.may(Permission.ADMIN) else [],
            "waits": any(one.waits for one in offered),
            "tables": list(tables.items()),
            "file": FILE,
            "problem": problem,
        }
        return frame.page(request, "settings.html", context, here="settings", status=422 if problem else 200)

    @frame.get("/settings", Permission.SETTINGS_READ)
    def settings(request: Request, visit: Visitor) -> Response:
        return page(request, visit)

    @frame.post("/settings", Permission.ADMIN)
    def change(request: Request, visit: Visitor, form: Filled) -> Response:
        path, value = form.one("path")[:80], form.one("value").strip()[:_LONGEST]
        back = form.one("act") == "back"
        try:
            app.change_setting(path, None if back else value, by=visit.actor)
        except InputError as error:
            return page(request, visit, path, value, error.what)
        what = f"as {FILE} has it" if back else value or "empty"
        return frame.redirect("/settings", done=f"{path} is {what} a few seconds from now.")


def _default(settings: Settings, name: str) -> object:
    """What the code says; what the file says, only the next start knows."""
    table, _, key = name.partition(".")
    return getattr(type(getattr(settings, table))(), key)


def _same(kept: str, running: str) -> bool:
    """Whether two texts are one value: "5" and "5.0"."""
    try:
        return float(kept) == float(running)
    except ValueError:
        return kept == running
