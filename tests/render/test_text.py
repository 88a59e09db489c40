from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.clean import plain
from digest.render.text import WIDTH, isolate, leader, pad, relative_url, safe_url, shorten, underline, width, wrap


@pytest.mark.parametrize(
    ("text", "columns"),
    [("", 0), ("abc", 3), ("广东", 4), ("é", 1), ("e\u0301", 1), ("\u2068a\u2069", 1), ("ﾊﾝ", 2), ("ＡＢ", 4)],
)
def test_width_counts_columns_of_a_terminal(text: str, columns: int) -> None:
    assert width(text) == columns


def test_wrap_hangs_its_indent() -> None:
    text = wrap("one two three four five", 12, first="1. ", rest="   ")
    assert text == "1. one two\n   three\n   four five"


def test_wrap_never_breaks_a_url() -> None:
    url = "https://news.example/" + "x" * 100
    assert wrap(f"see {url} there", 40) == f"see\n{url}\nthere"
    assert wrap(f"见{url}。好", 20).split("\n")[1].startswith(url)


def test_wrap_breaks_chinese_anywhere_but_before_closing_marks() -> None:
    lines = wrap("有关部门表示，首批申请将在十个工作日内答复。", 12).split("\n")
    assert all(width(line) <= 14 for line in lines)
    assert not any(line[0] in "，。" for line in lines)
    assert "".join(lines) == "有关部门表示，首批申请将在十个工作日内答复。"


def test_wrap_does_not_leave_an_opening_mark_behind() -> None:
    assert wrap("他说的是（广东）", 10) == "他说的是\n（广东）"


def test_wrap_breaks_a_word_without_end() -> None:
    assert wrap("x" * 25, 10) == "x" * 10 + "\n" + "x" * 10 + "\n" + "x" * 5


def test_wrap_ends_where_there_is_no_room() -> None:
    assert wrap("广东", 1) == "广\n东"


def test_wrap_of_nothing_is_its_indent_without_blanks() -> None:
    assert wrap("", first="    ") == ""


@settings(max_examples=150, deadline=None)
@given(
    st.text(alphabet=st.sampled_from("ab cd,.广东省（）。，“”-é \t"), max_size=400),
    st.integers(min_value=8, max_value=72),
)
def test_wrap_keeps_every_character_and_the_width(text: str, columns: int) -> None:
    wrapped = wrap(text, columns, first="- ", rest="  ")
    assert re.sub(r"\s", "", wrapped.removeprefix("-")) == re.sub(r"\s", "", text)
    # A closing mark may hang over the edge, as it may in print.
    lines = wrapped.split("\n")
    assert all(
        width(line.rstrip("，。）”,.")) <= columns or not re.search(r"[^（“]", line[2:]) for line in lines
    ) or max(map(width, lines)) <= columns + 2 * len(max(re.findall(r"[（）。，“”,.-]+", text) or [""], key=len))


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=600), st.integers(min_value=4, max_value=200))
def test_shorten_keeps_to_its_limit(text: str, limit: int) -> None:
    short = shorten(plain(text), limit)
    assert width(short) <= limit
    assert len(short) <= limit * 4 + 1
    assert short == plain(text) or short.endswith("…")


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("one two three", 13, "one two three"),
        ("one two three", 12, "one two…"),
        ("one two, three", 10, "one two…"),
        ("incomprehensibilities", 10, "incompreh…"),
        ("广东银行加大投放", 9, "广东银行…"),
        ("a" + "\u0301" * 500, 10, "a" + "\u0301" * 35 + "…"),
    ],
)
def test_shorten_cuts_at_a_word_if_it_can(text: str, limit: int, expected: str) -> None:
    assert shorten(text, limit) == expected


def test_only_right_to_left_text_is_fenced() -> None:
    assert isolate("Tel Aviv") == "Tel Aviv"
    assert isolate("广东") == "广东"
    assert isolate("תל אביב") == "\u2068תל אביב\u2069"
    assert isolate("دبي Dubai") == "\u2068دبي Dubai\u2069"


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://news.example/a?b=c&d=e#f", "https://news.example/a?b=c&d=e#f"),
        (" http://news.example:8080/ ", "http://news.example:8080/"),
        ("HTTPS://News.Example/Path", "https://news.example/Path"),
        ("mailto:desk@digest.example", "mailto:desk@digest.example"),
        ("https://news.example/广东", "https://news.example/%E5%B9%BF%E4%B8%9C"),
        ("https://新闻.example/", "https://xn--efvy88h.example/"),
        ("https://[2001:db8::1]/", "https://[2001:db8::1]/"),
        ("https://news.example/50%25", "https://news.example/50%25"),
    ],
)
def test_urls_that_may_stand_in_a_mail(url: str, safe: str) -> None:
    assert safe_url(url) == safe


@pytest.mark.parametrize(
    "url",
    [
        "",
        "javascript:alert(1)",
        "java\nscript:alert(1)",
        " javascript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "//evil.example/",
        "/relative",
        "news.example",
        "http://",
        "https:///path",
        "https://bank.example@evil.example/",
        "https://news.example/a b",
        'https://news.example/"onclick=x',
        "https://news.example/\u202egpj",
        "https://news.example:port/",
        "https://[::1/",
        "https://" + "a" * 64 + ".example/",
        "mailto:nobody",
        "https://news.example/" + "x" * 2000,
    ],
)
def test_urls_that_may_not(url: str) -> None:
    assert safe_url(url) == ""


@pytest.mark.parametrize(
    ("path", "safe"),
    [
        ("mails/ada.html", "mails/ada.html"),
        ("mails/ada chen.html", "mails/ada%20chen.html"),
        ("mail/new/1:2,S", "mail/new/1%3A2%2CS"),
        ("/etc/passwd", ""),
        ("../../x", ""),
        ("javascript:x", ""),
        ("https://evil.example/", ""),
        ("//evil.example", ""),
        ("a\\b", ""),
        ("", ""),
    ],
)
def test_relative_paths_lead_below_the_page(path: str, safe: str) -> None:
    assert relative_url(path) == safe


def test_headings_are_underlined_to_their_width() -> None:
    assert underline("广东 (3)", "=") == "广东 (3)\n========"
    assert underline("x" * 90, "-").split("\n")[1] == "-" * WIDTH


def test_leaders_fill_the_line() -> None:
    assert width(leader("广东", "3")) == WIDTH
    assert leader("China", "12", 20) == "China ........... 12"
    assert width(leader("x" * 200, "1,234")) == WIDTH


def test_pad_leaves_a_space_at_least() -> None:
    assert pad("1.", 4) == "1.  "
    assert pad("1234.", 4) == "1234. "
