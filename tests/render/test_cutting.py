"""Templates that would break parts are refused with their file; and what the sandbox keeps from any template."""

from __future__ import annotations

import quopri
from dataclasses import replace
from pathlib import Path

import pytest

from digest.errors import TemplateError
from digest.model import Picked
from digest.quoted import piece
from digest.render.copies import decoded
from digest.render.joins import Body
from digest.render.parts import HTML, TEXT
from digest.render.personal import Marks
from digest.render.selection import Outline, Questions, Selection
from digest.render.stylesheets import check_selectors
from digest.render.tags import When
from tests.render import factory

FIELDS = "{% when mail %}{{ links.unsubscribe|url }}{% endwhen %}"


def rendered(folder: Path, html: str, name: str = "body.html") -> str:
    path = folder / "email/weekly-report" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(html, encoding="utf-8")
    copy = factory.renderer(factory.PUBLICATION, folder).copy(factory.small(), factory.reader())
    return copy.html if name == "body.html" else copy.text


@pytest.mark.parametrize(
    ("markup", "what"),
    [
        ("{{ edition.count|upper }}", "a field was changed by a filter"),
        ("{{ edition.stories|shorten(10) }}", "a field was changed by a filter"),
        ("{% if edition.full %}x{% endif %}", "differs from copy to copy"),
        ("{{ 'x' if edition.top.here }}", "differs from copy to copy"),
        ("<p {% when edition.full %}class='a'{% endwhen %}>x</p>", "within a tag"),
        ("{% each group in edition.sections[0].groups %}{{ group.nothing }}{% endeach %}", "no attribute 'nothing'"),
        ("{% when edition.full %}never ended", "end of"),
        ("{{ [].__class__.__base__.__subclasses__() }}", "unsafe"),
        ("{{ edition.__class__.__mro__ }}", "unsafe"),
        ("{{ _.__globals__ }}", "unsafe|undefined"),
        ("{{ edition.sections.order }}", ""),
        ("{{ '{0.__class__}'.format(edition) }}", "unsafe"),
        ("{{ 'a' * 100000000 }}", "for small numbers"),
        ("{% for a in range(9) %}{% endfor %}", "'range' is undefined"),
        ("{{ settings }}", "'settings' is undefined"),
        ("{{ self._TemplateReference__context }}", "unsafe|undefined"),
    ],
)
def test_a_template_that_would_break_is_named(tmp_path: Path, markup: str, what: str) -> None:
    if not what:  # what a view holds for us shows nothing but itself
        assert "secret" not in rendered(tmp_path, f"<body>{markup}{FIELDS}</body>")
        return
    with pytest.raises(TemplateError, match=what) as caught:
        rendered(tmp_path, f"<body>{markup}{FIELDS}</body>")
    assert str(caught.value.where or "").endswith("body.html")


def cut(text: str, questions: Questions) -> Body:
    return Body.cut(text, TEXT, questions, "a.txt")


def test_marks_must_pair() -> None:
    questions = Questions("mtokenm")
    when: When = questions.when(bool)
    for text in (
        when.mark("e"),
        when.mark("b"),
        when.mark("b") + "mtokenme1z",
        when.mark("l") + "x" + when.mark("k"),
        when.mark("l") + when.mark("b") + when.mark("e"),
        "MTOKENMf0z",
    ):
        questions.ordered((), lambda _: ())
        with pytest.raises(TemplateError, match=r"a\.txt"):
            cut(text, questions)


def test_a_field_is_escaped_for_where_it_stands() -> None:
    outline = Outline(factory.small())
    questions = Questions("mtokenm")
    field = questions.field(lambda _: "a \"b\" <c> & 'd'")
    body = Body.cut(f'<p title="{field}">{field}</p> > {field}', HTML, questions, "")
    made = decoded(body.plan(Selection(outline, Picked(outline.all))).pieces)
    text = "a \"b\" &lt;c&gt; &amp; 'd'"
    assert made == f'<p title="{text.replace(chr(34), "&quot;")}">{text}</p> > {text}\n'


def test_what_a_reader_receives_stands_in_no_attribute() -> None:
    mark = Marks("mtokenm").receives
    Body.cut(f"<p>{mark}</p>", HTML, Questions("mtokenm"), "")
    with pytest.raises(TemplateError, match="in an attribute"):
        Body.cut(f'<p title="{mark}">x</p>', HTML, Questions("mtokenm"), "")


def test_what_choices_came_to_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    edition = factory.large(7)
    parts = factory.renderer().parts(edition, language="en")
    reader = factory.reader()
    wanted = [Picked(items) for items in (0b1111111, 0b1010101, 0b111)]
    made = [parts.copy(picked, reader) for picked in wanted]
    monkeypatch.setattr("digest.render.joins.KEPT_CHOICES", 1000)
    monkeypatch.setattr("digest.render.joins._KEPT_VALUES", 1)
    for number in range(5):  # links that all of these readers share: with other ones, bodies of their own
        other = replace(reader, feed_url=f"https://digest.example/{number}.xml")
        again = [parts.copy(picked, other) for picked in wanted]
        assert [one.html.replace(other.feed_url, reader.feed_url) for one in again] == [one.html for one in made]
    assert [parts.copy(picked, reader) for picked in wanted] == made


def test_line_ends_are_made_at_the_join() -> None:
    edition = factory.small()
    outline = Outline(edition)
    questions = Questions("mtokenm")
    left_out: When = questions.when(lambda s: s.full)
    text = f"a \n\n{left_out.mark('b')}\nb\n\n{left_out.mark('e')}\nc {left_out.mark('b')}.d{left_out.mark('e')}"
    for kind, full, short in ((TEXT, "a\n\nb\n\nc .d\n", "a\n\nc \n"), (HTML, "a\nb\nc .d\n", "a\nc \n")):
        body = Body.cut(text, kind, questions, "")
        for wanted, expected in ((True, full), (False, short)):
            selection = Selection(outline, Picked(outline.all), full=wanted)
            made = b"".join(body.plan(selection).pieces)
            assert quopri.decodestring(made).decode().replace("\r\n", "\n") == expected
            assert not any(line.startswith(b".") for line in made.split(b"\r\n"))


@pytest.mark.parametrize("css", ["a + b { c: d }", "a ~ b {}", "li:first-child {}", ".x {}\n\nb:nth-child(2) { a: b }"])
def test_a_style_may_not_look_at_neighbours(css: str) -> None:
    with pytest.raises(TemplateError, match="neighbours"):
        check_selectors(css, "style.css")


def test_other_styles_may() -> None:
    check_selectors("/* a + b */ .a .b, td > p { margin: 0 -1px; } a:hover { b: c }", "style.css")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        ".",
        ".a",
        "From me",
        "a ",
        "\t",
        "=",
        "é" * 40,
        "x" * 75,
        "x" * 76,
        "x" * 200,
        "x" * 67 + "." * 9,
        "很" * 9,
    ],
)
def test_a_piece_leaves_room_for_a_soft_break_and_may_start_a_line(text: str) -> None:
    made = piece(text)
    body = b"=\r\n".join((made, made, b""))
    assert quopri.decodestring(body).decode() == text * 2
    for line in body.split(b"\r\n"):
        assert len(line) <= 76
        assert not line.startswith((b".", b"From "))
        assert not line.endswith((b" ", b"\t"))
