"""Editions and stories as RSS, Atom and JSON Feed documents, and an OPML list of them. Pure.

revisions -> entries (entries.py) -> what has been public (journal.py) -> feeds (catalogue.py)
          -> documents (documents.py, opml.py)
"""

from digest.publish.catalogue import Catalogue, Page, Shelf, Standing, slug
from digest.publish.documents import MEDIA_TYPES, Writer, atom, json_feed, rss, without
from digest.publish.feed import ATOM, JSON, NEVER, RSS, Category, Entry, Feed, Link, Tombstone
from digest.publish.journal import EDITIONS, STORIES, Journal, Moved, Told, dumped, loaded
from digest.publish.opml import opml

__all__ = [
    "ATOM",
    "EDITIONS",
    "JSON",
    "MEDIA_TYPES",
    "NEVER",
    "RSS",
    "STORIES",
    "Catalogue",
    "Category",
    "Entry",
    "Feed",
    "Journal",
    "Link",
    "Moved",
    "Page",
    "Shelf",
    "Standing",
    "Told",
    "Tombstone",
    "Writer",
    "atom",
    "dumped",
    "json_feed",
    "loaded",
    "opml",
    "rss",
    "slug",
    "without",
]
