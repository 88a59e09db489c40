from __future__ import annotations

import re
import socket
from functools import partial

import pytest
from premailer import Premailer

from digest.errors import TemplateError
from digest.render.inline import _tighten, inline
from digest.render.stylesheets import check_stylesheet

PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>x</title>
<style>{style}</style>
<style data-premailer="ignore">{kept}</style>
</head><body>{body}</body></html>"""


def page(body: str = "<p>x</p>", style: str = "p { color: red; }", kept: str = "") -> str:
    return inline(PAGE.format(style=style, kept=kept, body=body), "body.html")


def test_rules_become_attributes_and_their_stylesheet_goes() -> None:
    html = page(
        style="p { color: red; margin: 0 }  .a, .b { font-family: Georgia, serif }", body='<p class="a c">x</p>'
    )
    assert '<p style="color:red;margin:0;font-family:Georgia,serif">x</p>' in html
    assert html.count("<style") == 1


def test_a_kept_stylesheet_keeps_its_words_and_classes() -> None:
    kept = "@media (prefers-color-scheme: dark) { .a > b { color: #fff !important; } } [data-ogsc] .a { color: #fff !important; }"
    html = page(kept=kept, body='<p class="a z"><b>x</b></p>')
    assert kept in html
    assert '<p class="a" style="color:red">' in html
    assert "data-premailer" not in html


def test_conditional_comments_and_characters_survive() -> None:
    comment = '<!--[if mso]><table role="presentation" width="640"><tr><td><![endif]-->'
    html = page(
        body=f"{comment}<p>a&nbsp;&amp; &lt;b&gt; 广东 — &#8232;</p><!--[if mso]></td></tr></table><![endif]-->"
    )
    assert comment in html
    assert "a\xa0&amp; &lt;b&gt; 广东 —" in html


@pytest.mark.parametrize(
    "style",
    [
        "p { margin: 0 } .a { color: red } td .a, .b p { color: blue } p.a:hover { color: green }",
        "p { margin: 0 } #one { color: red } p[lang] { color: blue }",
        "p { margin: 0 } p:first-child { color: red } td > p { color: blue !important }",
    ],
)
def test_showing_each_kind_of_element_once_gives_what_showing_them_all_does(style: str) -> None:
    rows = "".join(
        f'<tr><td class="{name}"><p class="{other}"{own}>{name} <b>&amp; \'x\' "y"</b></p><!-- c --></td></tr>'
        for name in ("", "a", "b", "a b")
        for other in ("", "a", "c a")
        for own in ("", ' id="one"', ' style="margin:1px"', ' lang="zh"')
    )
    for doctype, last in (("<!DOCTYPE html>\n", ""), ("", "<style>.b { padding: 0 }</style>")):
        html = f"{doctype}<html><head><title>x</title><style>{style}</style></head><body><table>{rows}</table>{last}</body></html>"
        plain = Premailer(
            html,
            allow_network=False,
            disable_basic_attributes=["align", "bgcolor", "height", "valign", "width"],
            disable_validation=True,
            disable_link_rewrites=True,
        ).transform(pretty_print=False)
        named = set(re.findall(r"\.([A-Za-z_][\w-]*)", " ".join(re.findall(r"<style>(.*?)</style>", plain))))
        assert inline(html, "") == re.sub(r"<[a-z][^<>]*>", partial(_tightened, named), plain)


def _tightened(named: set[str], tag: re.Match[str]) -> str:
    return _tighten(tag[0], named)


def test_widths_and_colours_do_not_become_attributes() -> None:
    html = page(
        style="table { width: 100%; height: auto; background-color: #fff; text-align: left; vertical-align: top }",
        body="<table><tr><td>x</td></tr></table>",
    )
    assert '<table style="width:100%;height:auto;background-color:#fff;text-align:left;vertical-align:top">' in html


def test_text_that_looks_like_markup_is_left_alone() -> None:
    text = 'How to write class="a b", style="x;   y" and &lt;script src="x"&gt;'
    assert 'How to write class="a b", style="x; y" and &lt;script src="x"&gt;' in page(body=f"<p>{text}</p>").replace(
        "   ", " "
    )


@pytest.mark.parametrize(
    "css",
    [
        "@import url(http://127.0.0.1/x.css);",
        '@IMPORT "http://127.0.0.1/x.css";',
        "p { background: url(http://127.0.0.1/x.png); }",
        "p { background: URL ( x.png ); }",
        "@font-face { font-family: x; src: local(x); }",
        "p { b\\61 ckground: red; }",
        "p { width: expression(alert(1)); }",
        "p { background: image-set('x.png' 1x); }",
        "p { behavior: none; }",
    ],
)
def test_a_stylesheet_that_could_load_is_refused(css: str) -> None:
    with pytest.raises(TemplateError) as caught:
        check_stylesheet(f"/* one */\n\n{css}", "style.css")
    assert (caught.value.where, caught.value.line) == ("style.css", 3)
    for broken in ({"style": css}, {"kept": css}):
        with pytest.raises(TemplateError):
            page(**broken)
    if css.startswith("p {"):
        with pytest.raises(TemplateError):
            page(body=f"<p style='{css[4:-2]}'>x</p>".replace("''", "'"))


@pytest.mark.parametrize(
    "markup",
    [
        '<link rel="stylesheet" href="http://127.0.0.1/x.css">',
        "<script>alert(1)</script>",
        '<p onclick="x">x</p>',
        '<img src="http://127.0.0.1/x.png">',
        '<iframe src="x"></iframe>',
        '<base href="http://127.0.0.1/">',
        '<form action="x"></form>',
        '<meta http-equiv="refresh" content="0;url=http://127.0.0.1/">',
        "<svg></svg>",
    ],
)
def test_markup_that_loads_or_runs_is_refused(markup: str) -> None:
    with pytest.raises(TemplateError, match="may not hold"):
        page(body=markup)


def test_inlining_opens_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _self, address: opened.append(address))
    page()
    with pytest.raises(TemplateError):
        page(style="@import url(http://127.0.0.1:9/x.css); p { color: red }")
    assert opened == []
