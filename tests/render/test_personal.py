from __future__ import annotations

import itertools
from binascii import a2b_qp
from html import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.errors import TemplateError
from digest.model import Length, Preferences
from digest.render import Reader
from digest.render.personal import Marks, Receives, own_fields
from digest.render.text import safe_url, wrap
from digest.render.view import shown
from tests.render import factory


def test_a_copy_holds_its_readers_fields_and_no_mark() -> None:
    copy = factory.renderer().copy(factory.small(), factory.reader(name="Ada <b> & Co"))
    assert "https://digest.example/unsubscribe?k=one&t=two" in copy.text
    assert "https://digest.example/unsubscribe?k=one&amp;t=two" in copy.html
    assert "Ada <b> & Co, you receive: Guangdong, Israel · Trade" in copy.text
    assert "Ada &lt;b&gt; &amp; Co, you receive: Guangdong, Israel · Trade" in copy.html
    assert copy.unsubscribe == "https://digest.example/unsubscribe?k=one&t=two"
    assert (copy.language, copy.items) == ("en", 6)
    for part in (copy.subject, copy.text, copy.html):
        assert ".invalid" not in part
        assert "000000" not in part  # the factory's tokens


def test_items_without_a_page_lead_into_the_readers_online_view() -> None:
    edition = factory.small()
    key = edition.items[3].story.key
    copy = factory.renderer().copy(edition, factory.reader(online_url="https://digest.example/e/1?r=ada#top"))
    assert f'href="https://digest.example/e/1?r=ada#s-{key}"' in copy.html
    assert f"     https://digest.example/e/1?r=ada#s-{key}\n" in copy.text


def test_what_a_reader_receives_is_said_in_their_language() -> None:
    renderer = factory.renderer()
    everything = factory.reader(name="", preferences=Preferences())
    assert "You receive: all regions · all themes" in renderer.copy(factory.small(), everything).text
    chinese = factory.reader(
        name="陈", language="zh", preferences=Preferences(regions=("CN-GD", "IL"), themes=("trade", "odd"))
    )
    assert "陈，您订阅的内容：广东、以色列 · 贸易、odd" in renderer.copy(factory.small(), chinese).html
    hebrew = factory.reader(name="דנה")
    assert "\u2068דנה\u2069, you receive" in renderer.copy(factory.small(), hebrew).text


def test_a_long_choice_is_wrapped_in_text() -> None:
    many = factory.reader(
        preferences=Preferences(regions=("CN-GD", "IL", "JP", "US", "CN", "035", "150"), themes=tuple(factory.THEMES))
    )
    text = factory.renderer().copy(factory.small(), many).text
    line = next(line for line in text.split("\n") if "you receive" in line)
    assert len(line) <= 72


def test_readers_of_one_language_share_a_rendering() -> None:
    renderer, edition = factory.renderer(), factory.small()
    english = renderer.parts(edition, language="en")
    assert renderer.parts(edition, language="") is english
    assert renderer.parts(edition, language="fr") is english  # falls back
    assert renderer.parts(edition, language="zh") is not english
    assert renderer.parts(factory.small(), language="en") is not english  # another edition, as far as one can tell


def test_only_the_last_renderings_are_kept() -> None:
    renderer = factory.renderer()
    editions = [factory.one(factory.article("a", f"Title {number}")) for number in range(34)]
    first = renderer.parts(editions[0], language="en")
    assert all("Title" in renderer.copy(edition, factory.reader()).text for edition in editions)
    assert renderer.parts(editions[0], language="en") is not first


def test_a_body_shared_gives_what_a_rendering_of_ones_own_would() -> None:
    readers = [
        factory.reader(
            name=f"Reader {number}",
            unsubscribe_url=f"https://digest.example/u/{number}?a=<>&b={number}".replace("<>", "x"),
        )
        for number in range(3)
    ]
    shared = factory.renderer()
    for reader in readers:
        assert shared.copy(factory.small(), reader) == factory.renderer().copy(factory.small(), reader)


def test_a_mark_that_content_holds_is_not_used() -> None:
    tokens = iter(["a" * 16, "b" * 16])
    assert Marks.draw(lambda: next(tokens), f"m{'a' * 16}m is in the text").token == f"m{'b' * 16}m"


@pytest.mark.parametrize("token", ["short", "has space in it ok", "UPPERCASEUPPERCASE", "x" * 60, "." * 20])
def test_tokens_must_be_long_and_plain(token: str) -> None:
    with pytest.raises(TemplateError, match="random tokens"):
        Marks.draw(lambda: token, "")


def test_a_source_that_always_gives_the_same_ends() -> None:
    drawn = itertools.count()

    def token() -> str:
        next(drawn)
        return "c" * 16

    with pytest.raises(TemplateError):
        Marks.draw(token, f"m{'c' * 16}m")
    assert next(drawn) == 8


@pytest.mark.parametrize("field", ["online_url", "preferences_url", "unsubscribe_url", "feed_url"])
@pytest.mark.parametrize(
    "url", ["", "javascript:alert(1)", "/unsubscribe", "mailto:desk@digest.example", "https://a b/"]
)
def test_a_readers_links_must_be_web_addresses(field: str, url: str) -> None:
    with pytest.raises(ValueError, match=field):
        factory.reader(**{field: url})


def test_a_reader_has_the_publications_language_by_default() -> None:
    link = "https://digest.example/x"
    reader = Reader(online_url=link, preferences_url=link, unsubscribe_url=link, feed_url=link)
    assert (reader.language, reader.length, reader.name) == ("", Length.FULL, "")
    assert factory.renderer().copy(factory.small(), reader).language == "en"


WORDS = ["Guangdong", "Israel", "Ho Chi Minh City", "São Tomé", "广东", "x" * 30, "y" * 75, "ab", "all regions"]


@given(
    name=st.text("abEé O'.-<王ד", min_size=1, max_size=60),
    words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=9),
    comma=st.sampled_from([", ", "、"]),
)
@settings(max_examples=200, deadline=None)
def test_a_sentence_put_together_round_a_name_is_the_sentence(name: str, words: list[str], comma: str) -> None:
    def say(name: str, regions: tuple[str, ...], themes: tuple[str, ...]) -> str:
        choice = f"you receive: {comma.join(regions)} · {comma.join(themes)}"
        return f"{shown(name)}, {choice}" if shown(name) else choice

    chosen = tuple(words), ("trade",)
    receives = Receives(say, shown)
    for _ in range(2):  # the second time from what the first one left
        text, html = receives.pieces(name, *chosen)
        assert a2b_qp(text).decode().replace("\r\n", "\n") == wrap(say(name, *chosen))
        assert a2b_qp(html).decode() == escape(say(name, *chosen), quote=False)
        assert all(len(line) <= 76 for line in (text + b"=\r\n" + html + b"=").split(b"\r\n"))


@given(st.from_regex(r"[a-z]{1,20}(\.[a-z]{1,9}){1,4}", fullmatch=True), st.text("aA.-_9/~", max_size=150))
@settings(max_examples=200, deadline=None)
def test_a_link_of_any_length_is_a_piece_that_may_stand_anywhere(host: str, path: str) -> None:
    url = f"https://{host}/{path}"
    text, html, leaving = own_fields((b"", b""), url, url)
    for made in (text[3], html[3]):
        assert a2b_qp(made).decode() == leaving == safe_url(url)
        assert not any(line.startswith(b".") or len(line) > 76 for line in (made + b"=").split(b"\r\n"))
