"""docs/pickup.md shows what is true: each of its examples is read."""

import re
from collections.abc import Callable
from pathlib import Path

from digest.model import Article

PAGE = (Path(__file__).parents[2] / "docs" / "pickup.md").read_text("utf-8")
ENDINGS = {"text": "txt", "markdown": "md", "html": "html", "json": "json", "xml": "xml"}


def test_each_example_gives_an_article(read: Callable[..., tuple[Article, ...]]) -> None:
    examples = dict(re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL))
    assert set(examples) == set(ENDINGS)
    articles = {kind: read(text, f"example.{ENDINGS[kind]}")[0] for kind, text in examples.items()}
    assert {article.publisher for article in articles.values()} == {"Harbour News"}
    assert all(
        article.published and article.published.date().isoformat() == "2021-05-03" for article in articles.values()
    )
    page = articles["text"]
    assert (page.byline, page.editor, page.dateline, page.agency) == ("Jane Doe", "Ann Poe", "BERGEN", "Harbour News")
    assert page.paragraphs[1:] == ("Nobody was hurt, and the road stayed open.",)
    assert {article.title for kind, article in articles.items() if kind != "text"} == {"The port's new crane"}
