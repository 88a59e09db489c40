from __future__ import annotations

import re
from pathlib import Path

import pytest

from digest.errors import TemplateError
from digest.render import templates as module
from digest.render.language import Languages
from digest.render.templates import Templates
from tests.render.factory import ROOT

ENGLISH = Languages(ROOT / "locale", "en").pick("en")
CHINESE = Languages(ROOT / "locale", "en").pick("zh")


def written(folder: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return folder


def rendered(tmp_path: Path, source: str, name: str = "x.html", **context: object) -> str:
    return Templates([written(tmp_path, {name: source})]).render(name, ENGLISH, context)


def test_html_is_always_escaped(tmp_path: Path) -> None:
    assert rendered(tmp_path, "{{ a }}", a="<b>&\"'") == "&lt;b&gt;&amp;&#34;&#39;"
    assert rendered(tmp_path, '{{ _("%(title)s, %(period)s", title=a, period="") }}', a="<b>") == "&lt;b&gt;, "
    assert rendered(tmp_path, "{{ [a, a]|join(a) }}", a="<b>").count("&lt;") == 3
    assert rendered(tmp_path, "{% macro m(x) %}<i>{{ x }}</i>{% endmacro %}{{ m(a) }}", a="<b>") == "<i>&lt;b&gt;</i>"


def test_css_is_escaped_too_and_text_never(tmp_path: Path) -> None:
    assert rendered(tmp_path, "{{ a }}", "x.css", a="<") == "&lt;"
    assert rendered(tmp_path, "{{ a }}", "x.txt", a="<&>") == "<&>"


def test_nothing_in_a_shipped_template_turns_escaping_off() -> None:
    for path in (ROOT / "templates").rglob("*.html"):
        assert not re.search(r"\|\s*safe\b|autoescape|Markup", path.read_text(encoding="utf-8")), path


def test_every_href_and_src_of_the_shipped_templates_is_filtered() -> None:
    for path in (ROOT / "templates").rglob("*.html"):
        text = re.sub(r"\{% macro .*? %\}", "", path.read_text(encoding="utf-8"))  # a parameter is no attribute
        for value in re.findall(r'\b(?:href|src|action)="([^"]*(?:"[^"]*")*?[^"]*)"[ >]', text):
            filtered = re.fullmatch(r"\{\{.*\|(?:url|relative|own) \}\}", value)
            local = re.fullmatch(r"#[a-z]+-?(?:\{\{ [\w.]+(?:\|anchor)? \}\})?", value)
            # A fragment leads nowhere; what stands in these is made by us. So is the code of a second factor, as data.
            field = re.fullmatch(r"#\{\{ (?:field|target|line\.anchor) \}\}", value)
            code = path.name == "factor.html" and value == "{{ picture }}"
            # Pages beside feeds stand as files, too: they lead up and across by paths that digest/render/feeds.py makes.
            beside = path.parent.name == "feeds" and re.fullmatch(
                r"\{\{ (?:feed\.up|name|one\.href) \}\}(?:style\.css|\?raw)?|index\.opml", value
            )
            assert filtered or local or field or code or beside, f"{path}: {value}"


@pytest.mark.parametrize(
    "source",
    [
        "{{ lipsum.__globals__ }}",
        "{{ lipsum(5) }}",
        "{{ range(10) }}",
        "{{ cycler('a') }}",
        "{{ namespace(a=1) }}",
        "{{ dict(a=1) }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ a.__class__ }}",
        "{{ a.append(1) }}",
        "{{ m.update({}) }}",
        "{{ self.__init__.__globals__ }}",
        "{{ _.__globals__ }}",
        "{{ 'a' * 100000000 }}",
        "{{ [1] * 100000000 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ '%0999999999d' % 1 }}",
        "{{ '{:>999999999}'.format(1) }}",
        "{{ 'a'.ljust(999999999) }}",
        "{{ 'a'.join(a) }}",
        "{{ 10000000 * 10000000 }}",
        "{{ a|attr('x') }}",
        "{{ 'a'|format(1) }}",
        "{{ a|pprint }}",
        "{{ a|safe }}",
        "{{ missing }}",
        "{{ a.missing }}",
        "{% if missing %}{% endif %}",
        "{% include 'nowhere.html' %}",
        "{% include '../secret.html' %}",
        "{% include '/etc/passwd' %}",
        "{{ 1 / 0 }}",
        "{% if %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    ],
)
def test_a_template_gets_nowhere_it_should_not(tmp_path: Path, source: str) -> None:
    folder = written(tmp_path / "templates", {"x.html": f"one\ntwo\n{source}"})
    written(tmp_path, {"secret.html": "secret"})
    with pytest.raises(TemplateError) as caught:
        Templates([folder]).render("x.html", ENGLISH, {"a": [1, 2], "m": {}})
    assert str(folder / "x.html") in caught.value.where or caught.value.where == "x.html"
    assert caught.value.remedy
    if "include" not in source:
        assert caught.value.line == 3, caught.value


def test_small_sums_are_allowed(tmp_path: Path) -> None:
    assert rendered(tmp_path, "{{ 7 * 6 }} {{ 7 % 4 }} {{ 7 + 6 }}") == "42 3 13"


def test_an_error_in_an_included_file_names_that_file(tmp_path: Path) -> None:
    folder = written(tmp_path, {"x.html": "{% include 'part.html' %}", "part.html": "fine\n{{ gone }}"})
    with pytest.raises(TemplateError) as caught:
        Templates([folder]).render("x.html", ENGLISH, {})
    assert (caught.value.where, caught.value.line) == (str(folder / "part.html"), 2)
    assert "gone" in str(caught.value)


def test_output_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "OUTPUT_LIMIT", 100)
    with pytest.raises(TemplateError, match="more than 100 characters"):
        rendered(tmp_path, "{% for x in a %}{% for y in a %}abcdefghij{% endfor %}{% endfor %}", a="1234567890")


def test_a_publication_overrides_file_by_file(tmp_path: Path) -> None:
    own = written(tmp_path / "own", {"email/a/subject.txt": "own"})
    shipped = written(tmp_path / "shipped", {"email/a/subject.txt": "shipped", "email/a/body.txt": "body"})
    templates = Templates([own, tmp_path / "absent", shipped])
    assert templates.render("email/a/subject.txt", ENGLISH, {}) == "own"
    assert templates.render("email/a/body.txt", ENGLISH, {}) == "body"


def test_templates_are_read_once(tmp_path: Path) -> None:
    folder = written(tmp_path, {"x.txt": "before"})
    templates = Templates([folder])
    written(tmp_path, {"x.txt": "after", "y.txt": "new"})
    assert templates.render("x.txt", ENGLISH, {}) == "before"
    with pytest.raises(TemplateError, match=r"no template 'y\.txt'"):
        templates.render("y.txt", ENGLISH, {})


def test_words_are_those_of_the_language(tmp_path: Path) -> None:
    templates = Templates(
        [written(tmp_path, {"x.txt": '{{ _("Unsubscribe") }} {{ ngettext("%(num)s story", "%(num)s stories", 2) }}'})]
    )
    assert templates.render("x.txt", ENGLISH, {}) == "Unsubscribe 2 stories"
    assert templates.render("x.txt", CHINESE, {}) == "退订 2 篇报道"


def test_sources_hold_all_that_a_template_brings_in(tmp_path: Path) -> None:
    files = {
        "a.html": "{% extends 'base.html' %}{% from 'macros.html' import m %}{% include 'a.css' %}{% include name %}",
        "base.html": "{% include 'a.css' %}{% trans %}x{% endtrans %}",
        "macros.html": "{% macro m() %}{% endmacro %}",
        "a.css": "p {}",
        "other.html": "no",
    }
    sources = Templates([written(tmp_path, files)]).sources(["a.html"])
    assert sources == {name: files[name].encode() for name in ("a.css", "a.html", "base.html", "macros.html")}


@pytest.mark.parametrize(("source", "line"), [("{% include 'gone.html' %}", None), ("\n{% for %}", 2)])
def test_sources_of_a_broken_template_say_where(tmp_path: Path, source: str, line: int | None) -> None:
    with pytest.raises(TemplateError) as caught:
        Templates([written(tmp_path, {"a.html": source})]).sources(["a.html"])
    assert caught.value.line == line


def test_a_template_must_be_utf_8(tmp_path: Path) -> None:
    (tmp_path / "x.html").write_bytes("für".encode("latin-1"))
    with pytest.raises(TemplateError, match="UTF-8"):
        Templates([tmp_path])


def test_other_files_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "x.html.swp").write_bytes(b"\xff")
    (tmp_path / "folder.html").mkdir()
    assert Templates([tmp_path]).file("x.html.swp") == ("", "")


def test_a_process_compiles_a_template_once_and_a_changed_one_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: list[str] = []
    compiles = module._Sandbox.compile

    def noted(self: module._Sandbox, source: str, name: str, filename: str) -> object:
        compiled.append(source)
        return compiles(self, source, name, filename)

    monkeypatch.setattr(module._Sandbox, "compile", noted)
    for title in ("{{ a }}: one", "{{ a }}: one", "{{ a }}: two", "{{ a }}: one"):
        assert rendered(tmp_path, title, a="<") == title.replace("{{ a }}", "&lt;")
        folder = written(tmp_path, {"x.html": title})
        assert Templates([folder]).render("x.html", CHINESE, {"a": "b"}) == title.replace("{{ a }}", "b")
    assert compiled == ["{{ a }}: one", "{{ a }}: two"]
    monkeypatch.setattr(module, "_KEPT", 0)  # no room: each is compiled, and none is wrong
    assert rendered(tmp_path, "{{ a }}: three", a="1") == "1: three"
    assert rendered(tmp_path, "{{ a }}: four", a="1") == "1: four"
