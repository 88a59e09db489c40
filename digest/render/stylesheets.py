"""What a stylesheet of a mail may hold: nothing that loads, and nothing that depends on what may be cut out."""

from __future__ import annotations

import re

from digest.errors import TemplateError

# Each could load something, or hide a word that does (CSS escapes).
_LOADS = re.compile(
    r"@import|@charset|@namespace|@font-face|url\s*\(|src\s*\(|image-set\s*\(|expression\s*\(|behavior\s*:|\\",
    re.IGNORECASE,
)
# In a selector, these make an element's look follow from its neighbours.
_NEIGHBOURS = re.compile(r"[+~]|:(?:first|last|only|nth|empty|has|not)\b[\w-]*", re.IGNORECASE)
_SELECTOR = re.compile(r"([^{}]*)\{")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_PARTICULAR = re.compile(rf"[#\[]|{_NEIGHBOURS.pattern}", re.IGNORECASE)  # ids, attributes


def check_stylesheet(css: str, where: str) -> None:
    """Refuse a stylesheet that could load anything.

    Raises:
        TemplateError: with the file and line.
    """
    if match := _LOADS.search(css):
        raise TemplateError(
            f"a stylesheet of a mail may not hold '{match[0].strip()}'",
            where=where,
            line=css.count("\n", 0, match.start()) + 1,
            remedy="write the rules themselves into it; a mail loads nothing",
        )


def check_selectors(css: str, where: str) -> None:
    """Refuse a rule that looks at an element's neighbours, which may be missing from a copy.

    Raises:
        TemplateError: with the file and line.
    """
    bare = _COMMENT.sub(lambda comment: "\n" * comment[0].count("\n"), css)
    for selector in _SELECTOR.finditer(bare):
        if match := _NEIGHBOURS.search(selector[1]):
            raise TemplateError(
                f"a style that is inlined may not look at neighbours: '{match[0]}'",
                where=where,
                line=bare.count("\n", 0, selector.start(1) + match.start()) + 1,
                remedy="give the element a class",
            )


def is_particular(css: str) -> bool:
    """Whether a rule could tell apart elements of the same tag, class and style in the same kind of place."""
    return any(_PARTICULAR.search(selector) for selector in _SELECTOR.findall(_COMMENT.sub("", css)))
