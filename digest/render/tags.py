"""Two tags by which a template says what may differ from copy to copy: `each` and `when`.

    {% each item in group.items %} ... {% endeach %}                 a loop over what may be missing (it asks item.here)
    {% when item.featured %} ... {% otherwise %} ... {% endwhen %}   a choice

Rendered for one selection they are `for` and `if`. Rendered for all of them, everything is shown once, between marks
that `digest.render.parts` cuts at: the condition is then a `When`, which knows its mark but no answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from jinja2 import nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from markupsafe import Markup

OPEN: Final = "b"  # kinds of marks; `parts` reads them
OTHERWISE: Final = "o"
CLOSE: Final = "e"
LOOP: Final = "l"
DONE: Final = "k"
FIELD: Final = "f"


class When:
    """A condition whose answer differs from copy to copy. Its mark is `<token><kind><number>z`."""

    __slots__ = ("number", "token")

    def __init__(self, token: str, number: int) -> None:
        self.token = token
        self.number = number

    def __bool__(self) -> bool:
        raise TypeError("this differs from copy to copy: ask it with {% when %}, not with {% if %}")

    def mark(self, kind: str) -> str:
        """One of its marks."""
        return f"{self.token}{kind}{self.number}z"


class Ordered(tuple[Any, ...]):  # noqa: SLOT001 - a tuple that has one attribute cannot have slots
    """What stands in another order from copy to copy, in the edition's order here; `order` names its marks."""

    order: When

    @classmethod
    def of(cls, values: Iterable[Any], order: When) -> Ordered:
        """These values, and what their order is asked by."""
        made = cls(values)
        made.order = order
        return made


class PartTags(Extension):
    """The tags for an environment of Jinja. In .txt templates a mark stands bare, elsewhere it is a comment."""

    tags = {"when", "each"}  # noqa: RUF012 - Jinja wants a set

    def parse(self, parser: Parser) -> nodes.Node | list[nodes.Node]:
        """Read one of the tags."""
        token = next(parser.stream)
        if token.value == "each":
            return self._each(parser, token.lineno)
        test = parser.parse_expression()
        body = parser.parse_statements(("name:otherwise", "name:endwhen"))
        other: list[nodes.Node] = []
        if parser.stream.current.value == "otherwise":
            next(parser.stream)
            other = parser.parse_statements(("name:endwhen",))
        next(parser.stream)
        return self._when(parser, test, body, other, token.lineno)

    def _each(self, parser: Parser, line: int) -> list[nodes.Node]:
        target = parser.parse_assign_target(name_only=True)
        parser.stream.expect("name:in")
        values = parser.parse_expression()
        body = parser.parse_statements(("name:endeach",), drop_needle=True)
        here = nodes.Getattr(nodes.Name(target.name, "load", lineno=line), "here", "load", lineno=line)
        inside = self._when(parser, here, body, [], line)
        loop = nodes.For(target, values, inside, [], None, False, lineno=line)
        return [self._show(parser, "_loop", values, LOOP, line), loop, self._show(parser, "_loop", values, DONE, line)]

    def _when(
        self, parser: Parser, test: nodes.Expr, body: list[nodes.Node], other: list[nodes.Node], line: int
    ) -> list[nodes.Node]:
        made: list[nodes.Node] = [self._show(parser, "_mark", test, OPEN, line)]
        made.append(nodes.If(self.call_method("_yes", [test], lineno=line), body, [], [], lineno=line))
        if other:
            made.append(self._show(parser, "_mark", test, OTHERWISE, line))
            made.append(nodes.If(self.call_method("_no", [test], lineno=line), other, [], [], lineno=line))
        made.append(self._show(parser, "_mark", test, CLOSE, line))
        return made

    def _show(self, parser: Parser, method: str, value: nodes.Expr, kind: str, line: int) -> nodes.Node:
        bare = nodes.Const((parser.name or "").endswith(".txt"))
        call = self.call_method(method, [value, nodes.Const(kind), bare], lineno=line)
        return nodes.Output([call], lineno=line)

    def _yes(self, test: object) -> bool:
        return isinstance(test, When) or bool(test)

    def _no(self, test: object) -> bool:
        return isinstance(test, When) or not test

    def _mark(self, test: object, kind: str, bare: bool) -> str:  # noqa: FBT001 - called by compiled templates
        if not isinstance(test, When):
            return ""
        mark = test.mark(kind)
        return mark if bare else Markup(f"<!--{mark}-->")  # noqa: S704 - a mark is letters and digits

    def _loop(self, values: object, kind: str, bare: bool) -> str:  # noqa: FBT001 - called by compiled templates
        return self._mark(values.order, kind, bare) if isinstance(values, Ordered) else ""
