"""Edition -> subject, plain text and HTML; and pages. The only home of jinja2, premailer and babel.

rendering                what it is                                                           where
Edition -> EditionView   said in one language, nothing hostile; what differs asked of a Pick   edition.py, selection.py
-> HTML and text         by templates; `each` and `when` put marks round what differs          templates.py, tags.py
-> inline                CSS into style attributes, once                                      inline.py
-> cut, encode           parts, each encoded once                                             parts.py
-> plan, join            one selection of parts; one reader's links: EncodedCopy              joins.py, copies.py
"""

from digest.render.copies import Bodies, Parts, decoded
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
from digest.render.personal import Field, Reader
from digest.render.renderer import Renderer

__all__ = [
    "Bodies",
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
    "Parts",
    "Reader",
    "Renderer",
    "StoryView",
    "decoded",
]
