"""What is sent and shown of editions, besides the edition itself (shapes.py)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field

from digest.web.api.shapes import Address, EditionBody, Key, Line, Refile, Sent, Text


class Compose(Sent):
    """Which edition to compose."""

    digest: Key | None = Field(default=None, description="Not needed where there is one.")
    period: Key | None = Field(
        default=None, description="2018-W29, 2018-07-20 or 2018-07; the last full one if left out."
    )


class Story(Sent):
    """A story of an edition."""

    story: Key = Field(description="Its key, or the uid of one of its articles.")


class Drop(Story):
    """A story, and why it is left out."""

    reason: Line = ""


class Move(Story):
    """Where a story shall stand."""

    section: Key | None = Field(default=None, description="Key of a section.")
    theme: Line | None = Field(default=None, description="Id of a theme; empty for none.")
    place: int = Field(default=0, ge=0, le=1000, description="From 1, within its theme; 0: by rank.")


class Retitle(Story):
    """Another headline."""

    title: Line


class Summary(Story):
    """Another summary."""

    text: Text


class Merge(Story):
    """A story, and the one that shall tell it."""

    into: Key


class Split(Sent):
    """An article that shall tell a story of its own."""

    article: Key


class Note(Sent):
    """The editor's note; empty takes it away."""

    text: Text


class RefileStory(Refile):
    """A story, and where its articles belong."""

    story: Key


class Undo(Sent):
    """One act by its number, or everything about a story."""

    act: int | None = Field(default=None, ge=1, le=2**53)
    story: Key | None = None


class Reason(Sent):
    """Why."""

    reason: Line = ""


class Proof(Sent):
    """Who gets a proof, and whose copy is shown."""

    to: list[Address] = Field(min_length=1, max_length=20)
    language: Annotated[str, Field(max_length=35, pattern=r"^[A-Za-z0-9-]*$")] = ""
    reader: Address | None = Field(default=None, description="Shows what this reader gets; everything if left out.")


class Approve(Sent):
    """What was looked at."""

    hash: Annotated[str, Field(pattern=r"^[0-9a-f]{12,64}$", description="Of the revision, or its first 12 digits.")]
    override: Line = Field(default="", description="Why what preflight found may go out all the same.")


class Correct(Story):
    """What was wrong in an edition that is out."""

    text: Text


class Finding(BaseModel):
    """Something that preflight found."""

    level: str = Field(description="blocks or warns")
    check: str
    what: str
    where: str
    remedy: str
    story: str
    safe: bool = Field(description="An approval with `override` passes over it.")


class PreflightBody(BaseModel):
    """What speaks against sending a revision."""

    hash: str
    blocks: bool
    findings: list[Finding]


class ApprovalBody(BaseModel):
    """What an approval came to."""

    complete: bool
    waits_for: str
    edition: EditionBody


class ProofBody(BaseModel):
    """What became of a proof."""

    address: str
    state: str
    reason: str
    reply: str


class ActBody(BaseModel):
    """One decision about an edition."""

    number: int
    act: str
    story: str
    by: str
    at: datetime
    payload: dict[str, Any]
    undone: datetime | None
    undone_by: str
