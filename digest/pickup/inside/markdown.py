"""Markdown (CommonMark and tables) with front matter in YAML."""

from __future__ import annotations

from typing import Any, Final

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token
from yaml.events import AliasEvent
from yaml.nodes import Node

_MAX_FRONT_MATTER: Final = 64 * 1024  # characters
_FENCES: Final = frozenset({"---", "..."})


class _Loader(yaml.BaseLoader):
    """All scalars are strings, so that `NO` is Norway and 2018-07-20 is as written; no aliases, so no bombs."""

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        if self.check_event(AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]  # the stubs leave it untyped
            raise yaml.composer.ComposerError(None, None, "aliases (*name) are not allowed", event.start_mark)
        return super().compose_node(parent, index)


def parse(data: bytes) -> dict[str, Any]:
    """Parse a document given as UTF-8.

    Returns:
        {"fields": {name: str or list of str}, "heading": the first of level 1, "paragraphs": [{"text", "html"}],
        "problem", "line"}.
    """
    text = data.decode("utf-8")
    fields: dict[str, Any] = {}
    lines = text.split("\n")
    if lines and lines[0].strip() == "---":
        end = next((at for at, line in enumerate(lines[1:], start=1) if line.rstrip() in _FENCES), None)
        if end is None:
            return {"problem": "the front matter is not closed: no second line '---'", "line": 1}
        front = "\n".join(lines[1:end])
        if len(front) > _MAX_FRONT_MATTER:
            return {"problem": f"the front matter is longer than {_MAX_FRONT_MATTER} characters", "line": 1}
        try:
            loaded = yaml.load(front, Loader=_Loader)  # noqa: S506 - made of BaseLoader: strings, lists and mappings only
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark
            return {"problem": f"front matter: {error.problem}", "line": mark.line + 2 if mark else 1}
        except yaml.YAMLError as error:
            return {"problem": f"front matter: {error}", "line": 1}
        except RecursionError:
            return {"problem": "front matter: nested too deeply", "line": 1}
        if loaded and not isinstance(loaded, dict):
            return {"problem": "the front matter is not a list of 'name: value' lines", "line": 2}
        fields = {str(key): value for key, value in (loaded or {}).items()}
        text = "\n".join(lines[end + 1 :])
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    heading, paragraphs = _paragraphs(tokens)
    return {"fields": fields, "heading": heading, "paragraphs": paragraphs, "problem": "", "line": None}


def _paragraphs(tokens: list[Token]) -> tuple[str, list[dict[str, Any]]]:
    heading = ""
    paragraphs: list[dict[str, Any]] = []
    level = ""
    row: list[str] | None = None
    for token in tokens:
        if token.type == "heading_open":
            level = token.tag
        elif token.type == "heading_close":
            level = ""
        elif token.type == "tr_open":
            row = []
        elif token.type == "tr_close":
            paragraphs.append({"text": " | ".join(row or []), "html": False})
            row = None
        elif token.type == "inline":
            words = _inline(token)
            if row is not None:
                row.append(words)
            elif level == "h1" and not heading and not paragraphs:
                heading = words
            else:
                paragraphs.append({"text": words, "html": False})
        elif token.type in {"fence", "code_block"}:
            paragraphs.append({"text": token.content, "html": False})
        elif token.type == "html_block":
            paragraphs.append({"text": token.content, "html": True})
    return heading, paragraphs


def _inline(token: Token) -> str:
    """The words of an inline token: links by their text, pictures not at all, markup of HTML dropped."""
    words = []
    for child in token.children or []:
        if child.type in {"text", "code_inline"}:
            words.append(child.content)
        elif child.type in {"softbreak", "hardbreak"}:
            words.append(" ")
    return "".join(words)
