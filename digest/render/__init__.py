"""Edition -> subject, plain text and HTML; and pages. The only home of jinja2, premailer and babel.

Edition -> view (one language, nothing hostile) -> templates -> inline CSS -> Body -> for_reader -> Copy
"""

from digest.render.demo import (
    Demo,
    DemoDelivery,
    DemoEdition,
    DemoFact,
    DemoFile,
    DemoItem,
    DemoMail,
    DemoTag,
)
from digest.render.feeds import FeedEntryView, FeedGroupView, FeedLinkView, FeedPageView
from digest.render.pages import EditionLine, NameView, PageViewer, StoryView
from digest.render.personal import Body, Field, Reader
from digest.render.renderer import Renderer

__all__ = [
    "Body",
    "Demo",
    "DemoDelivery",
    "DemoEdition",
    "DemoFact",
    "DemoFile",
    "DemoItem",
    "DemoMail",
    "DemoTag",
    "EditionLine",
    "FeedEntryView",
    "FeedGroupView",
    "FeedLinkView",
    "FeedPageView",
    "Field",
    "NameView",
    "PageViewer",
    "Reader",
    "Renderer",
    "StoryView",
]
