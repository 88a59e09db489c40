"""Lines of a page that are not its text: menus, prompts, lists of other stories, notices. Recognised one by one.

The recognisers are the regular expressions of furniture.txt, beside this file. Each is matched against a whole line,
and only short lines are looked at, so that a sentence that merely mentions a newsletter stays. English and Chinese,
which is what our wires print; pages in other languages are cut by the shape of their lines (prose.py).
"""

from __future__ import annotations

import re
from enum import Enum
from functools import cache
from importlib.resources import files
from typing import Final


class Part(Enum):
    """What a line of furniture says about its neighbours."""

    LIST = "list"  # heads a list of other stories; text may go on after it
    STOP = "stop"  # what follows is furniture too: comments, colophon
    ASIDE = "aside"  # stands alone, text may go on after it: player, advertisement, caption, prompt


_LONGEST: Final = 420  # characters; longer lines are judged by their shape
_BULLET: Final = re.compile(r"^[\s*+•·▪■□►▶»>●○◆★☆|▲△※◇\-–—]+(?=\S)")
_WORDS: Final = re.compile("[\"“‘'「『]")
# "Subscribe to no illusions, he warned." is told, not offered; a caption tells too, but begins with its picture.
_TOLD: Final = re.compile(
    r"\b(?:said|says|warned|told|added|according to|reported|announced|noted|argued)\b.*[.!?][\"”’')]*$"
)
_CAPTION: Final = re.compile(
    r"(?:\w+ )?(?:photos?|images?|pictures?|file|video|illustration|undated)\b|.*[/(\[][^/(\[]*$", re.IGNORECASE
)


_CREDITED: Final = re.compile(
    r".*[.。]\s?[(（\[](?:Xinhua|AP|Reuters|AFP|EPA|Photo|Image|新华社|图|[^)）\]]{1,12}[摄攝])[^)）\]]{0,60}[)）\]]"
)
_TELLS: Final = 60  # characters


@cache
def _patterns() -> dict[Part, re.Pattern[str]]:
    found: dict[Part, list[str]] = {kind: [] for kind in Part}
    kind = Part.LIST
    for line in files("digest.pickup").joinpath("furniture.txt").read_text("utf-8").splitlines():
        if line in {"[list]", "[stop]", "[aside]"}:
            kind = Part(line.strip("[]"))
        elif line and not line.startswith("# "):
            found[kind].append(f"(?:{line})")
    return {kind: re.compile("|".join(lines), re.IGNORECASE) for kind, lines in found.items()}


def is_caption(line: str) -> bool:
    """Whether a line of furniture tells what a picture shows, in a sentence and with its credit."""
    return bool(_CREDITED.fullmatch(line)) and len(line) >= _TELLS


def part(line: str) -> Part | None:
    """What kind of furniture a line is, or None. A line that starts with a quotation mark is somebody's words."""
    bare = _BULLET.sub("", line)
    if not bare:
        return Part.ASIDE
    if len(bare) > _LONGEST or _WORDS.match(bare) or (_TOLD.search(bare) and not _CAPTION.match(bare)):
        return None
    inner = bare[1:-1] if bare[0] in "([（【" and bare[-1] in ")]）】" else ""
    for kind, pattern in _patterns().items():
        if pattern.fullmatch(bare) or (inner and pattern.fullmatch(inner)):
            return kind
    return None
