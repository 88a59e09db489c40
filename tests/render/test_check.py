"""What `digest templates check` finds: nothing in what ships, and every fault that is put in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from digest.model import Copy
from digest.render import check as module
from digest.render import samples
from digest.render.check import CLIPPED, Finding, Level, check, examine
from digest.render.clients import Use, gaps, in_words, table, used
from tests.render import factory

PAGE = '<!DOCTYPE html><html lang="en"><head><title>Title</title></head><body><h1>One</h1>{}</body></html>'


@pytest.fixture(scope="module")
def shipped() -> tuple[Finding, ...]:
    return check(factory.renderer())


def test_nothing_is_wrong_with_what_ships(shipped: tuple[Finding, ...]) -> None:
    assert [str(one) for one in shipped if one.level is not Level.NOTE] == []


def test_what_clients_know_in_part_is_a_note_with_its_place(shipped: tuple[Finding, ...]) -> None:
    margin = next(one for one in shipped if one.what.startswith("margin") and one.template == "email/weekly-report")
    assert "Outlook (Windows" in margin.what
    path, _, line = margin.where.rpartition(":")
    assert "margin" in Path(path).read_text(encoding="utf-8").splitlines()[int(line) - 1]


def written(folder: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return folder


def test_each_fault_of_a_publication_s_own_templates_is_named_with_file_and_line(tmp_path: Path) -> None:
    own = written(
        tmp_path,
        {
            "email/confirm/body.html": "\n{% if %}",
            "email/welcome/subject.txt": "{% if days %}\n{{ nowhere }}{% endif %}{{ publication.titel }}",
            "email/link/body.txt": "{{ digests|sum }}",
            "email/goodbye/body.html": '{% extends "email/notice/layout.html" %}\n{% block body %}<h1>Bye</h1>\n'
            '<p style="display:flex">x</p><a href="/about">us</a>{% endblock %}',
            "email/correction/body.html": "{% extends 'email/notice/layout.html' %}{% block body %}{{ online.x }}{% endblock %}",
            "email/proof/body.html": "<p>no frame</p>",
            **{f"email/own/{name}": "{{ edition.nowhere }}" for name in ("subject.txt", "body.txt", "body.html")},
        },
    )
    found = check(factory.renderer(factory.PUBLICATION, own), editions=("own", "absent"))
    said = [str(one) for one in found if one.level is not Level.NOTE]
    assert said == sorted(said, key=lambda line: not line.startswith("error"))

    def told(file: str, line: int, what: str) -> bool:
        return any(f"{own / file}:{line}: " in one and what in one for one in said)

    assert told("email/confirm/body.html", 2, "Expected an expression")
    assert told("email/welcome/subject.txt", 2, "nothing is given under the name 'nowhere'")
    assert told("email/welcome/subject.txt", 2, "'publication' has no 'titel'")
    assert told("email/link/body.txt", 1, "No filter named 'sum'")
    assert told("email/correction/body.html", 1, "has no attribute 'x'")
    assert told("email/goodbye/body.html", 3, "display:flex: not supported by Outlook (Windows)") or any(
        "display:flex" in one and f"{own}" in one for one in said
    )
    assert any("email/goodbye" in one and "'/about' is not absolute" in one for one in said)
    assert any(str(own / "email/own") in one and "nowhere" in one for one in said)
    assert any("email/absent" in one for one in said)
    assert any("email/proof" in one and "names no language" in one for one in said)


def mail(body: str, **changes: str) -> Copy:
    given: dict[str, Any] = {"subject": "Subject", "text": "text", "html": PAGE.format(body), "language": "en"}
    return Copy(**{**given, **changes})


@pytest.mark.parametrize(
    ("copy", "level", "what"),
    [
        (mail("x" * CLIPPED), Level.ERROR, "Gmail shows 102,400"),
        (mail("x" * 95_000), Level.WARNING, "of Gmail's 102,400"),
        (mail("", subject=" "), Level.ERROR, "the subject is empty"),
        (mail("", subject="a\nb"), Level.ERROR, "control characters"),
        (mail("", html="<html><title>x</title><h1>y</h1></html>"), Level.ERROR, "no language"),
        (mail("", html='<html lang="en"><h1>y</h1></html>'), Level.ERROR, "title element is empty"),
        (mail("<h1>Two</h1>"), Level.ERROR, "2 first headings"),
        (mail("<h3>Deep</h3>"), Level.ERROR, "h3 follows h1"),
        (mail('<img src="https://x.example/a.png">'), Level.ERROR, "without alt: https://x.example/a.png"),
        (mail("<table><tr><td>x</td></tr></table>"), Level.ERROR, "1 tables are read out as data"),
        (mail('<a href="#nowhere">x</a>'), Level.ERROR, "leads to nothing"),
        (mail('<a href="about.html">x</a>'), Level.ERROR, "not absolute"),
        (mail('<a href="http://x.example/">x</a>'), Level.WARNING, "not https"),
        (mail('<a href="https://x.example/a">https://x.example/a</a>'), Level.ERROR, "plain part does not hold"),
        (mail('<p style="display:grid">x</p>'), Level.WARNING, "display:grid: not supported by Outlook (Windows)"),
        (mail("<video></video>"), Level.WARNING, "<video>"),
        (mail('<p style="position:absolute">x</p>'), Level.WARNING, "position: not supported by"),
        (mail("<style>a:hover{color:red}</style>"), Level.NOTE, "in the style sheet that stays"),
    ],
)
def test_a_mail_is_looked_at_as_clients_do(copy: Copy, level: Level, what: str) -> None:
    assert any(one.level is level and what in one.what for one in examine(copy, "x")), list(examine(copy, "x"))


def test_a_sound_mail_has_no_faults() -> None:
    body = '<h2 id="a">Two</h2><a href="#a">up</a><a href="mailto:a@x.example">mail</a><img src="x" alt="">'
    table_of_words = '<table role="presentation"><tr><td style="padding:1px">x</td></tr></table>'
    found = [one for one in examine(mail(body + table_of_words), "x") if one.level is Level.ERROR]
    assert found == []


def test_parts_must_hold_the_same_stories(tmp_path: Path) -> None:
    body = (factory.ROOT / "templates/email/weekly-report/body.txt").read_text(encoding="utf-8")
    own = written(tmp_path, {"email/weekly-report/body.txt": body.replace("{{ story(item, flag=true) }}", "")})
    found = module._edition(factory.renderer(factory.PUBLICATION, own), "weekly-report")
    assert any("the plain part does not hold “" in one.what for one in found if one.level is Level.ERROR)


def test_the_table_knows_the_clients_that_matter() -> None:
    families = {client.partition(".")[0] for rows in table().values() for row in rows for client in row.missing}
    assert families == {"gmail", "outlook", "apple-mail", "yahoo"}
    flex = table()["declaration", "display:flex"][0]
    assert "outlook.windows" in flex.missing
    assert in_words(("gmail.ios", "gmail.android", "yahoo.desktop-webmail")) == "Gmail (iOS, Android), Yahoo (web)"


def test_what_a_document_uses_is_seen_wherever_it_stands() -> None:
    html = """<style>/* a:hover {} */ @media (prefers-color-scheme: dark) { .a.b > c[d], #e ~ f:not(.g) { width: calc(1vh + 2rem) } }
    @font-face { font-family: "x" }</style>
    <!--[if mso]><v:rect style="position:absolute"><![endif]-->
    <a href="#x" style='COLOR: RED !important; background-image: url("flex")'>y</a>"""
    seen = set(used(html))
    for kind, name in (
        ("at-rule", "media"),
        ("at-rule", "media prefers-color-scheme"),
        ("at-rule", "font-face"),
        ("selector", ".a.b"),
        ("selector", ">"),
        ("selector", "["),
        ("selector", "#"),
        ("selector", "~"),
        ("selector", ":not"),
        ("unit", "vh"),
        ("unit", "rem"),
        ("function", "calc"),
    ):
        assert Use(kind=kind, name=name, sheet=True) in seen, (kind, name)
    for kind, name in (("element", "a"), ("pair", "a href #"), ("property", "color"), ("word", "!important")):
        assert Use(kind=kind, name=name) in seen, (kind, name)
    assert not any(use.name in {"position", "v:rect", ":hover", "flex"} for use in seen)


def test_a_longhand_is_judged_by_its_shorthand() -> None:
    (gap,) = gaps('<p style="padding-left:1px">x</p>')
    assert gap.feature.title == "padding"
    assert gaps('<p style="no-such-thing:1px">x</p>') == ()


def test_hostile_samples_stay_text() -> None:
    copy = factory.renderer().copy(samples.edition(samples.HOSTILE), samples.reader())
    for text in ("<script", "<img", "<v:rect", "onerror=alert(1)>", "\x00", "\x1b", "\u202e"):
        assert text not in copy.html.replace("<!--[if mso]>", ""), text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in copy.html
    assert "{{ 7 * 7 }}" in copy.html
    assert [one for one in examine(copy, "x") if one.level is Level.ERROR] == []
    assert replace(copy, html="").items == 6
