"""What a form sent: read within limits, and with a look at who sent it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Final
from urllib.parse import parse_qsl, urlsplit

from fastapi import Depends, HTTPException, Request

from digest.errors import AddressError, LinkError
from digest.subscriptions import read_address
from digest.web.guard import network_of
from digest.web.limits import Limit, sender_of
from digest.web.site import Site

_FIELDS: Final = 400  # a reader can tick every region and theme there is on a form
_VALUE: Final = 2_000  # characters
_KIND: Final = "application/x-www-form-urlencoded"
_UPLOAD: Final = "multipart/form-data"
_DESK_FIELDS: Final = 4_000  # an operator may tick a page of rows
_DESK_VALUE: Final = 60_000  # and write a text
TRAP: Final = "website"  # a field that people do not see, and that programs fill in
YOUNGEST: Final = timedelta(seconds=3)
_OLDEST: Final = timedelta(hours=12)


class Form:
    """The fields of a form, in order; a name may come several times."""

    def __init__(self, fields: Mapping[str, tuple[str, ...]], files: Mapping[str, bytes] | None = None) -> None:
        self._fields = fields
        self._files = files or {}

    def one(self, name: str) -> str:
        """The first value of a field; "" when it was not sent."""
        return next(iter(self._fields.get(name, ())), "")

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a field."""
        return self._fields.get(name, ())

    def file(self, name: str) -> bytes | None:
        """The content of a file that was sent; None where none was chosen."""
        return self._files.get(name)

    @property
    def is_trapped(self) -> bool:
        """Whether the field was filled in that people do not see."""
        return bool(self.one(TRAP))


async def sent(request: Request) -> Form:
    """The form that a request carries; an empty one where it carries another kind of body (RFC 8058's may).

    Raises:
        HTTPException: it has too many or too long fields.
    """
    if _kind(request) != _KIND:
        return Form({})
    return Form(await _fields(request, most=_FIELDS, longest=_VALUE))


async def filled(request: Request) -> Form:
    """The form that an operator sent, with files; call it once it is known who sends it.

    Raises:
        HTTPException: it has too many or too long fields.
    """
    if _kind(request) != _UPLOAD:
        return (
            Form(await _fields(request, most=_DESK_FIELDS, longest=_DESK_VALUE))
            if _kind(request) == _KIND
            else Form({})
        )
    fields: dict[str, tuple[str, ...]] = {}
    files: dict[str, bytes] = {}
    async with request.form(max_files=1, max_fields=_FIELDS, max_part_size=_DESK_VALUE) as parts:
        for name, value in parts.multi_items():
            if isinstance(value, str):
                fields[name] = (*fields.get(name, ()), value.replace("\x00", ""))
            elif value.filename:
                files[name] = await value.read()  # as long as the guard lets a body be
    return Form(fields, files)


def _kind(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def _fields(request: Request, *, most: int, longest: int) -> dict[str, tuple[str, ...]]:
    try:
        text = (await request.body()).decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=most, errors="strict")
    except ValueError:
        raise HTTPException(400) from None
    fields: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        if len(value) > longest:
            raise HTTPException(413)
        fields[name] = (*fields.get(name, ()), value.replace("\x00", ""))
    return fields


Sent = Annotated[Form, Depends(sent)]


def ours(request: Request) -> None:
    """Refuse a form that a page of somebody else sends. No page of ours sends an Origin: its policy is no-referrer.

    Raises:
        HTTPException: it comes from elsewhere.
    """
    site = request.headers.get("sec-fetch-site", "none")
    origin = request.headers.get("origin", "null")
    foreign = origin != "null" and urlsplit(origin).netloc != request.headers.get("host", "")
    if site not in {"same-origin", "none"} or (foreign and "sec-fetch-site" not in request.headers):
        raise HTTPException(403)


class Throttle:
    """Limits how often one address and one network act; a dependency of forms that change something."""

    def __init__(self, site: Site) -> None:
        web = site.settings.web
        self._clock = site.clock
        self._each = Limit(web.acts_per_address)
        self._together = Limit(web.acts_per_network)

    def __call__(self, request: Request) -> None:
        """Count this act.

        Raises:
            HTTPException: its sender has done too many.
        """
        address = request.client.host if request.client else ""
        now = self._clock()
        if not (self._each.take(sender_of(address), now) and self._together.take(network_of(address), now)):
            raise HTTPException(429, headers={"Retry-After": "3600"})


def form_problems(site: Site, form: Form, name: str) -> dict[str, str]:
    """Field -> what is wrong with it, of a form that carries an address.

    Of the form itself: "early" (nobody fills one in so fast), "late" (stale, or not ours).
    """
    problems = {}
    try:
        age = site.links.read_form(name, form.one("form"), site.clock(), _OLDEST)
        if age < YOUNGEST:
            problems["form"] = "early"
    except LinkError:
        problems["form"] = "late"
    try:
        read_address(form.one("address"))
    except AddressError:
        problems["address"] = "invalid" if form.one("address").strip() else "missing"
    return problems
