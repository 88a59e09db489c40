"""Operators: who works the desk, in which role; added, disabled, given a new link. For admins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fastapi import HTTPException, Request
from starlette.responses import Response

from digest.errors import InputError, StateError
from digest.model import Operator, OperatorRole, Permission
from digest.web.console.frame import Frame, TimeView, Visitor
from digest.web.doors import Filled
from digest.web.listing import Column, Listing

_COLUMNS: Final = tuple(
    Column(key, label)
    for key, label in (
        ("address", "Operator"), ("role", "Role"), ("state", "State"), ("factor", "Second factor"),
        ("seen", "Last signed in"),
    )
)  # fmt: skip
ROLES: Final = {
    OperatorRole.EDITOR: "files and corrects articles, works on drafts",
    OperatorRole.PUBLISHER: "besides: approves and sends, keeps sources and readers, reads the audit log",
    OperatorRole.ADMIN: "besides: operators and settings",
}


@dataclass(frozen=True, kw_only=True)
class OperatorView:
    """An operator in a list."""

    address: str
    name: str
    role: str
    state: str
    factor: bool
    seen: TimeView | None
    href: str


def add_pages(frame: Frame) -> None:
    """The list, one operator, and what can be done to them."""
    site = frame.site
    staff = site.app.staff

    def list_page(
        request: Request, *, problem: str = "", address: str = "", role: str = "", name: str = ""
    ) -> Response:
        found = staff.list()
        listing = Listing.read(request, _COLUMNS, sort="", limit=len(found) + 1).shown(found, lambda one: (one.id,))
        context = {
            "listing": listing,
            "operators": [_view(frame, one) for one in listing.rows],
            "roles": _roles(role),
            "problem": problem,
            "address": address,
            "name": name,
        }
        return frame.page(request, "operators.html", context, here="operators", status=422 if problem else 200)

    def link_page(request: Request, one: Operator, secret: str) -> Response:
        """The one-time link, shown once: the desk keeps only its hash."""
        link = f"{site.base}/console/welcome/{secret}"
        return frame.page(request, "link.html", {"one": _view(frame, one), "link": link}, here="operators")

    @frame.get("/operators", Permission.ADMIN)
    def listed(request: Request) -> Response:
        return list_page(request)

    @frame.post("/operators", Permission.ADMIN)
    def add(request: Request, visit: Visitor, form: Filled) -> Response:
        address, name = form.one("address")[:320], form.one("name")
        try:
            one, secret = staff.add(address, _role(form.one("role")), by=visit.actor, name=name)
        except InputError as error:
            return list_page(request, problem=error.what, address=address, role=form.one("role"), name=name)
        except StateError:
            problem = "There is an operator with this address."
            return list_page(request, problem=problem, address=address, role=form.one("role"), name=name)
        return link_page(request, one, secret)

    @frame.get("/operators/{number}", Permission.ADMIN)
    def one(request: Request, visit: Visitor, number: int) -> Response:
        found = staff.get(number)
        context = {
            "one": _view(frame, found),
            "base": frame.path(f"/operators/{number}"),
            "roles": _roles(found.role.value),
            "myself": found.id == visit.operator.id,
            "created": frame.time(found.created),
            "sessions": len(site.store.operators.sessions(number)),
            "tokens": [
                (token.id, token.name, " ".join(sorted(token.scopes)))
                for token in site.store.operators.tokens(number)
                if token.ended is None
            ],
            "log": frame.path("/audit", who=found.address),
        }
        return frame.page(request, "operator.html", context, here="operators")

    @frame.post("/operators/{number}/role", Permission.ADMIN)
    def role(visit: Visitor, form: Filled, number: int) -> Response:
        changed = staff.set_role(number, _role(form.one("role")), by=visit.actor)
        return frame.redirect(f"/operators/{number}", done=f"{changed.address} is {changed.role} now.")

    @frame.post("/operators/{number}/disable", Permission.ADMIN)
    def disable(visit: Visitor, number: int) -> Response:
        staff.disable(number, by=visit.actor)
        return frame.redirect(f"/operators/{number}", done="Disabled: sessions and tokens ended.")

    @frame.post("/operators/{number}/enable", Permission.ADMIN)
    def enable(request: Request, visit: Visitor, number: int) -> Response:
        return link_page(request, staff.get(number), staff.enable(number, by=visit.actor))

    @frame.post("/operators/{number}/reset", Permission.ADMIN)
    def reset(request: Request, visit: Visitor, form: Filled, number: int) -> Response:
        secret = staff.reset(number, by=visit.actor, factor=bool(form.one("factor")))
        return link_page(request, staff.get(number), secret)

    @frame.post("/operators/{number}/sessions", Permission.ADMIN)
    def end_sessions(visit: Visitor, number: int) -> Response:
        ended = site.app.account.end_session(staff.get(number), by=visit.actor)
        return frame.redirect(f"/operators/{number}", done=f"Sessions ended: {ended}.")

    @frame.post("/operators/{number}/tokens/{token}/end", Permission.ADMIN)
    def end_token(visit: Visitor, number: int, token: int) -> Response:
        site.app.account.end_token(staff.get(number), token, by=visit.actor)
        return frame.redirect(f"/operators/{number}", done=f"Token {token} ended.")


def _view(frame: Frame, one: Operator) -> OperatorView:
    return OperatorView(
        address=one.address,
        name=one.name,
        role=one.role.value,
        state=one.state.value,
        factor=one.second_factor,
        seen=frame.time(one.seen) if one.seen else None,
        href=frame.path(f"/operators/{one.id}"),
    )


def _roles(chosen: str) -> list[tuple[str, str, bool]]:
    return [(role.value, f"{role.value}: {what}", role.value == chosen) for role, what in ROLES.items()]


def _role(text: str) -> OperatorRole:
    try:
        return OperatorRole(text)
    except ValueError:
        raise HTTPException(400) from None
