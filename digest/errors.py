"""The errors of Digest. Each carries its data as attributes and a message that says what to do.

    Exception
    ├── ConfigError            settings are wrong; stands outside the tree so that nothing swallows it
    └── DigestError            anything else that we raise on purpose
        ├── InputError         something from outside cannot be used: file, line or entry, and the remedy
        │   ├── PickupError    a page, feed or file that cannot become articles
        │   ├── ListError      a list of subscribers (CSV) that cannot be imported
        │   ├── AddressError   an e-mail address that cannot be written to
        │   ├── PeriodError    a period that does not exist or cannot be read
        │   └── TaxonomyError  a taxonomy of themes that cannot be read
        ├── TemplateError      a template that does not render: file, line
        ├── NotFound           what was asked for is not in the store
        ├── StateError         the edition, campaign or subscription is not in a state that allows this
        │   └── Blocked        a check before approval objects: what it found
        ├── LinkError          a signed link that is forged, damaged, expired, or made for something else
        ├── JailError          a parser in its child ran out of time, memory or output, or died
        ├── DeliveryError      a transport that cannot be used at all (an outcome of one copy is a value)
        ├── Busy               another process holds what only one may hold
        └── StoreError         the database failed; wraps the driver's error

Expected outcomes of a copy (accepted, deferred, refused, skipped) are values: see `digest.model`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class ConfigError(Exception):
    """Settings are wrong. Not a DigestError, so that `except DigestError` never swallows it.

    Attributes:
        problems: one sentence per problem, each with the setting's name, where it came from and the remedy.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class DigestError(Exception):
    """Base of every error that Digest raises on purpose."""


@dataclass
class InputError(DigestError):
    """Something from outside cannot be used.

    Attributes:
        what: what is wrong, as a sentence.
        where: file, entry or URL it came from; empty when it came from an argument.
        line: line number from 1, or None.
        remedy: what the person can do about it.
    """

    what: str
    where: str = ""
    line: int | None = None
    remedy: str = ""

    def __str__(self) -> str:
        place = self.where if self.line is None else f"{self.where or 'input'}:{self.line}"
        text = f"{place}: {self.what}" if place else self.what
        return f"{text} ({self.remedy})" if self.remedy else text


class PickupError(InputError):
    """A page, feed or file that cannot become articles."""


class ListError(InputError):
    """A list of subscribers that cannot be imported."""


class AddressError(InputError):
    """An e-mail address that cannot be written to."""


class PeriodError(InputError):
    """A period that does not exist or cannot be read."""


class TaxonomyError(InputError):
    """A taxonomy of themes that cannot be read."""


class TemplateError(InputError):
    """A template that does not render."""


class NotFound(DigestError):  # noqa: N818 - reads better without a suffix where it is raised
    """What was asked for is not in the store."""

    def __init__(self, noun: str, key: str, remedy: str = "") -> None:
        super().__init__(f"no {noun} '{key}'" + (f" ({remedy})" if remedy else ""))
        self.noun = noun
        self.key = key
        self.remedy = remedy


class StateError(DigestError):
    """The thing is not in a state that allows this act."""

    def __init__(self, thing: str, state: str, act: str, remedy: str = "") -> None:
        super().__init__(f"{thing} is {state}: cannot {act}" + (f" ({remedy})" if remedy else ""))
        self.thing = thing
        self.state = state
        self.act = act
        self.remedy = remedy


class Blocked(StateError):  # noqa: N818 - a state, not a fault
    """A check before approval found what must not go out.

    Attributes:
        reasons: one sentence per finding.
    """

    def __init__(self, thing: str, reasons: Sequence[str], remedy: str) -> None:
        super().__init__(thing, f"not fit to go out: {'; '.join(reasons)}", "approve it", remedy)
        self.reasons = tuple(reasons)


class LinkError(DigestError):
    """A signed link that is forged, damaged, expired, or made for something else.

    Attributes:
        expired: it was ours once, and is too old.
    """

    def __init__(self, what: str, *, expired: bool = False) -> None:
        super().__init__(what)
        self.expired = expired


class JailError(DigestError):
    """A parser in its child ran out of time, memory or output, or died.

    Attributes:
        reason: "time", "memory", "output" or "died".
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"the parser was stopped: {reason}" + (f" ({detail})" if detail else ""))
        self.reason = reason
        self.detail = detail


class DeliveryError(DigestError):
    """A transport that cannot be used at all: no server, no authentication, a folder that cannot be written."""


class Busy(DigestError):  # noqa: N818 - a state, not a fault
    """Another process holds what only one may hold."""


class StoreError(DigestError):
    """The database failed; wraps the driver's error."""
