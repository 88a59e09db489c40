"""Whatever comes in, what comes out can stand in a header, a feed, a log and a page."""

import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.clean import canonical_url, fingerprint, html_paragraphs, html_to_text, one_line, plain, safe_html
from tests.growth import STEP, assert_linear


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("  two\t words \r\n here ", "two words here"),
        ("caf\u0065\u0301", "café"),
        ("a\x00b\x1bc\x7fd", "abcd"),
        ("a\x85b\u2028c\u2029d", "a b c d"),
        ("invoice\u202egpj.exe", "invoicegpj.exe"),
        ("\ufeffzero\u200bwidth\u2060join", "zerowidthjoin"),
        ("soft\u00adhyphen", "softhyphen"),
        ("lone\ud800surrogate", "lonesurrogate"),
        ("non\ufffechar\U0001ffff", "nonchar"),
        ("tag\U000e0041s", "tags"),
        ("a\u200cb", "ab"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("👩\u200d🚀", "👩\u200d🚀"),
        ("中\u3000国", "中 国"),
        ("", ""),
    ],
)
def test_plain_text_is_safe(raw: str, clean: str) -> None:
    assert plain(raw) == clean


def test_entities_are_resolved_only_when_asked() -> None:
    assert plain("AT&amp;T &lt;b&gt;") == "AT&amp;T &lt;b&gt;"
    assert plain("AT&amp;T &lt;b&gt; &#8238;x", entities=True) == "AT&T <b> x"


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.characters(), max_size=60))
def test_plain_is_total_and_idempotent(text: str) -> None:
    once = plain(text)
    assert plain(once) == once
    assert once.encode("utf-8").decode("utf-8") == once
    assert once == unicodedata.normalize("NFC", once)
    assert not any(unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} for c in once)
    assert once == once.strip()


def test_one_line_cannot_inject_a_header() -> None:
    assert one_line("Subject\r\nBcc: eve@example.org\u2028x\u0085y\x00z") == "Subject Bcc: eve@example.org x yz"


def test_one_line_is_cut_at_a_word() -> None:
    assert one_line("The ministers met, and then they left again", 20) == "The ministers met…"
    assert one_line("abcdefghijklmnop", 8) == "abcdefg…"
    assert one_line("short", 8) == "short"


def test_paragraphs_of_markup() -> None:
    markup = (
        "<h2>Head</h2><p>One &amp; <b>two</b><script>alert(1)</script></p><!-- no --><ul><li>three</li></ul>"
        "tail<br>after<style>p{}</style><p> </p>"
    )
    assert html_paragraphs(markup) == ("Head", "One & two", "three", "tail", "after")
    assert html_to_text(markup) == "Head One & two three tail after"
    assert html_to_text("no  markup") == "no markup"


@pytest.mark.parametrize(
    ("markup", "paragraphs"),
    [
        ("before<iframe src='x'/> after", ("before after",)),
        ("before<iframe src='x'> after", ("before after",)),
        ("before<iframe>inside</iframe> after<IFRAME src=x>", ("before after",)),
        ("<object><p>a</p>", ("a",)),
        ("before<script>code", ("before",)),
        ("before<script/>code", ("before",)),
        ("<svg/>text<svg><title>t</title></svg>", ("text",)),
        ("a <b title='>'>b</b> c<p data-x=\"<p>\">d", ("a b c", "d")),
        ("open <a href='x>link</a><p>more", ("open link", "more")),
        ("1 < 2 > 1 <3 <> </> </p", ("1 < 2 > 1 <3 <>",)),
        ("<!doctype x>a<?php b ?>c<!-->d<!--->e<!-- f --!>g<!-- h", ("acdeg",)),
        ("<A HREF=x>Link</A><BR/>next", ("Link", "next")),
    ],
)
def test_text_is_read_as_a_browser_reads_it_but_frames_take_nothing_along(
    markup: str, paragraphs: tuple[str, ...]
) -> None:
    assert html_paragraphs(markup) == paragraphs


def test_what_a_fragment_may_not_have_costs_no_text() -> None:
    assert safe_html("<p>a<x-y>b</x-y> &lt;i&gt; 1 < 2</p>") == "<p>ab &lt;i&gt; 1 &lt; 2</p>"
    assert safe_html('<abbr title="a\'b">x</abbr>') == '<abbr title="a\'b">x</abbr>'
    assert safe_html("x" * 2_000_001) == "x" * 2_000_001


def test_text_that_looks_like_markup_stays_text() -> None:
    assert html_to_text("&lt;script&gt;alert(1)&lt;/script&gt;") == "<script>alert(1)</script>"


@pytest.mark.parametrize(
    "attack",
    [
        '<a href="javascript:alert(1)">x</a>',
        '<a href="java&#x09;script:alert(1)">x</a>',
        '<a href="data:text/html,x">x</a>',
        "<img src=x onerror=alert(1)>x",
        '<form action="http://evil.example"><input type=password>x</form>',
        '<p style="position:fixed" onclick="x()">x</p>',
        "<svg><script>alert(1)</script></svg>x",
        '<iframe srcdoc="<script>x</script>"></iframe>x',
        "<math><mi//xlink:href='data:x,<script>'>x",
        "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>x",
    ],
)
def test_fragments_keep_nothing_that_runs(attack: str) -> None:
    safe = safe_html(attack).lower()
    for trace in (
        "javascript:",
        "data:",
        "onerror",
        "onclick",
        "<form",
        "<input",
        "style=",
        "<svg",
        "<iframe",
        "<img",
        "<math",
        "<script",
    ):
        assert trace not in safe


def test_fragments_keep_links_and_emphasis() -> None:
    assert safe_html(
        '<p class="x">A <a href="https://e.example/?a=1&b=2" target=_blank>link</a> <em>here</em>\x00</p>'
    ) == ('<p>A <a href="https://e.example/?a=1&amp;b=2" rel="noopener noreferrer nofollow">link</a> <em>here</em></p>')


@pytest.mark.parametrize(
    "bomb",
    [
        lambda size: "<div>" * 2 * size + "x",
        lambda size: "<a " + " ".join(f"a{n}=1" for n in range(size)) + ">x",
        lambda size: "<p>x</p>" * 2 * size,
        lambda size: "<!--" * 4 * size + "x",
        lambda size: "<a " * size,
        lambda size: "<" * 6 * size,
        lambda size: "<a x='" * size,
        lambda size: '<!-- <a x=" --><b ' + 'y=">" ' * size,
        lambda size: "<object>" * size,
        lambda size: "<iframe" * size,
        lambda size: "".join(f"<x{n}>" for n in range(size)),
    ],
    ids=[
        "deep",
        "attributes",
        "long",
        "comments",
        "tags in tags",
        "brackets",
        "quotes",
        "quoted",
        "frames",
        "cut",
        "kinds",
    ],
)
def test_bombs_of_markup_are_cut_in_linear_time(bomb: Callable[[int], str]) -> None:
    small, large = bomb(50_000 // STEP), bomb(50_000)
    assert_linear(html_paragraphs, small, large)
    assert_linear(safe_html, small, large)
    assert "<div" not in safe_html(small)


def test_closed_elements_are_not_deep() -> None:
    assert html_paragraphs("<div><span>x</span></div>" * 2000 + "</i></section>")[-1] == "x"


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("HTTPS://Example.ORG:443/a/b?x=1&utm_source=m&fbclid=2&y=#top", "https://example.org/a/b?x=1&y="),
        ("http://example.org", "http://example.org/"),
        ("http://example.org:8080/ü?q=é", "http://example.org:8080/%C3%BC?q=%C3%A9"),
        ("https://bücher.example/%7ea%2f%zz", "https://xn--bcher-kva.example/%7Ea%2F%25zz"),
        ("https://例子.example./x", "https://xn--fsqu00a.example/x"),
        ("http://[2001:DB8::1]/x", "http://[2001:db8::1]/x"),
        (" https://example.org/a ", "https://example.org/a"),
    ],
)
def test_one_spelling_of_a_url(url: str, canonical: str) -> None:
    assert canonical_url(url) == canonical
    assert canonical_url(canonical) == canonical


@pytest.mark.parametrize(
    "url",
    [
        "", "javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\nscript:x", "data:text/html,x", "file:///etc/passwd", "ftp://a.example/",
        "//example.org/x", "/relative", "http://", "http:///x", "http://user:pw@example.org/", "http://a@b.example/", "http://a\\b.example/",
        "http://exa mple.org/", "http://example.org/\u202e", "http://[::1", "http://a.example:99999/", "http://-x-.example/",
        "http://ex\u2488ample.example\u00ad/", "http://" + "a" * 2100, "http://\ud800.example/", "http://xn--.\u0301x/", "mailto:a@b.example",
    ],
)  # fmt: skip
def test_unsafe_urls_are_nothing(url: str) -> None:
    assert canonical_url(url) == ""


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=40))
def test_canonical_urls_never_raise(text: str) -> None:
    for url in (text, f"http://{text}/", f"https://example.org/{text}"):
        result = canonical_url(url)
        assert result == "" or result.startswith(("http://", "https://"))
        assert result.isascii()


def test_fingerprints_ignore_layout_case_and_punctuation() -> None:
    assert fingerprint(["The “Port” opened.", "Twice"]) == fingerprint(["the port  opened twice"])
    assert fingerprint(["The port"]) != fingerprint(["The fort"])
    assert len(fingerprint([])) == 64
