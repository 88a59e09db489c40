"""What the demo's page is given: `Renderer.page("demo/index.html", {"demo": Demo(...)})`. Plain values, ready to show.

Paths are relative to the page; the caller writes the files. Texts are escaped by the template, not before.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class DemoFact:
    """A line of "what happened": "Articles picked up", "26", "2 of the publishers, 24 samples"."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class DemoMail:
    """A copy as it arrived."""

    edition: str
    reader: str
    address: str
    subject: str
    choice: str  # what the reader asked for: "Guangdong, Israel · all themes · zh-Hans · headlines"
    items: int
    html: str  # path of the HTML part: "mails/ada-2018-W29.html"
    text: str  # the plain part itself
    message: str = ""  # path of the whole message


@dataclass(frozen=True, kw_only=True)
class DemoFile:
    """A feed or an edition in a file."""

    name: str
    path: str
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class DemoTag:
    """A region or theme of a story: "Guangdong", "primary", 0.92, and what it was found by."""

    name: str
    role: str  # "" for a theme
    score: float
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class DemoItem:
    """A story and why it stands where it does."""

    number: int
    title: str
    section: str
    theme: str
    regions: tuple[DemoTag, ...]
    themes: tuple[DemoTag, ...]
    why: tuple[str, ...]
    language: str = ""


@dataclass(frozen=True, kw_only=True)
class DemoEdition:
    """An edition: its files and its items. `left_out` are title and reason."""

    id: str
    title: str
    files: tuple[DemoFile, ...]
    items: tuple[DemoItem, ...]
    left_out: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class DemoDelivery:
    """A line of the ledger. `at` is printed as given."""

    address: str
    edition: str
    state: str
    reply: str
    message_id: str
    at: str
    attempts: int


@dataclass(frozen=True, kw_only=True)
class Demo:
    """Everything on the page, in the order in which it is shown."""

    title: str
    lead: str
    facts: tuple[DemoFact, ...]
    mails: tuple[DemoMail, ...]
    feeds: tuple[DemoFile, ...]
    editions: tuple[DemoEdition, ...]
    ledger: tuple[DemoDelivery, ...]
