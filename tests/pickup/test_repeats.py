"""What repeats within a page is not its text."""

from __future__ import annotations

from datetime import UTC, datetime

from digest.jail import Jail
from digest.model import Source, SourceKind
from digest.pickup import page, read_document
from digest.pickup.html import _fuller as fuller
from digest.pickup.html import _text as without_furniture

TEXT = (
    "The mill by the river will open again in June, its owner said on Monday.",
    "It was shut in 2009, when the last baker of the valley bought his flour elsewhere.",
    "Two millers and an apprentice will work there, and on Sundays visitors may turn the stone.",
    "The council lends half of the money and hopes that others will come to the old street as well.",
)
NOW = datetime(2024, 5, 6, 12, tzinfo=UTC)


def read(*lines: str) -> tuple[str, ...]:
    return page.read("\n".join(lines), name="page", zone=UTC, now=NOW).paragraphs


def test_a_list_whose_items_all_end_alike_is_no_text() -> None:
    teasers = [
        (f"* Story {number}", f"Somebody did something remarkable on day {number} and was seen to.", "Keep going")
        for number in range(6)
    ]
    assert read("Mill to open again", *TEXT, *(line for item in teasers for line in item)) == TEXT


def test_comments_with_their_stamps_are_no_text() -> None:
    said = [(f"Reader {n}", f"I think that the mill is fine, and so is stone {n}.", f"Votes: {n}") for n in range(5)]
    assert read("Mill to open again", *TEXT, *(line for one in said for line in one)) == TEXT


def test_a_subhead_that_comes_again_makes_no_list_of_a_text() -> None:
    long = [
        f"{line} {line[:-1]} for the {n}th time, as everybody had expected it would." for n, line in enumerate(TEXT)
    ]
    text = [line for one in long for line in ("* * *", "Now", one, one.replace("mill", "barn").replace("shut", "open"))]
    found = read("Mill to open again", *text)
    assert sum(one in found for one in long) == len(long)


def test_a_caption_that_comes_with_every_picture_is_told_once() -> None:
    caption = "The mill by the river, where two men carry a sack of flour up the stairs, in May."
    lines = [line for one in TEXT for line in (one, caption)]
    assert read("Mill to open again", *lines).count(caption) <= 1


def test_a_sentence_in_large_type_is_not_told_twice() -> None:
    found = read("Mill to open again", *TEXT[:2], TEXT[0], *TEXT[2:])
    assert found == TEXT


def html(body: str) -> tuple[str, ...]:
    source = Source(key="drop", kind=SourceKind.FOLDER, location=".")
    with Jail() as jail:
        page = f"<html><head><title>Mill to open again</title></head><body>{body}</body></html>"
        (article,) = read_document(page.encode(), "page.html", source, now=NOW, zone=UTC, jail=jail)
    return article.paragraphs


def test_prompts_among_a_pages_own_paragraphs_are_no_text_and_a_notice_ends_it() -> None:
    prompts = "<p>Sign up for our newsletter</p>"
    text = "".join(f"<p>{line}</p>" for line in (*TEXT[:2],)) + prompts + "".join(f"<p>{line}</p>" for line in TEXT[2:])
    assert (
        html(
            f"<article><h1>Mill to open again</h1>{text}<p>Copyright 2024 The Valley. All rights reserved.</p></article>"
        )
        == TEXT
    )


def test_an_article_in_several_parts_of_a_page_is_whole() -> None:
    long = [f"{line} {line[:-1]}, as everybody in the valley had expected for years." for line in TEXT]
    parts = "".join(
        f"<article><section><div class='body'><p>{line}</p><p>{line.replace('.', ', again.')}</p></div></section></article>"
        f"<aside><ul><li><a href='/{n}'>Elsewhere {n}</a></li></ul></aside>"
        for n, line in enumerate(long)
    )
    found = " ".join(html(f"<h1>Mill to open again</h1>{parts}"))
    assert all(line in found for line in long)


def test_a_fuller_reading_must_hold_what_was_extracted() -> None:
    told = ("The mill opens.", "Bread is sold.")
    assert fuller("<p>Home</p><p>Menu</p>", told, name="page") == told
    other = "".join(f"<p>{line}</p>" for line in TEXT)
    assert fuller(f"<h1>Mill to open again</h1>{other}", told, name="page") == told
    assert fuller(f"<h1>Mill to open again</h1>{other}", TEXT[:1], name="page") == TEXT


def test_what_is_all_furniture_is_kept() -> None:
    assert without_furniture(("Advertisement", "Share this story")) == ("Advertisement", "Share this story")
