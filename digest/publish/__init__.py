"""Editions and stories as RSS, Atom and JSON Feed documents, and an OPML list of them. Pure.

revisions -> entries (entries.py) -> feeds (catalogue.py) -> documents (documents.py)
"""

from digest.publish.catalogue import catalogue
from digest.publish.documents import Writer, atom, json_feed, opml, rss
from digest.publish.feed import Category, Entry, Feed, Link

__all__ = ["Category", "Entry", "Feed", "Link", "Writer", "atom", "catalogue", "json_feed", "opml", "rss"]
