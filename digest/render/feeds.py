"""What the page beside a feed shows, for people who open it in a browser."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class FeedEntryView:
    """An entry of a feed."""

    title: str
    href: str
    author: str
    date: str  # ISO 8601
    language: str


@dataclass(frozen=True, kw_only=True)
class FeedLinkView:
    """Another feed: what it is called, and its page as seen from here."""

    name: str
    href: str


@dataclass(frozen=True, kw_only=True)
class FeedGroupView:
    """Feeds of one kind: by region, by theme."""

    name: str
    feeds: tuple[FeedLinkView, ...]


@dataclass(frozen=True, kw_only=True)
class FeedPageView:
    """A feed."""

    title: str
    address: str  # of its folder, with a slash
    home: str
    up: str  # from its folder to that of all feeds: "../../"
    formats: tuple[tuple[str, str, str], ...]  # name, file name, media type
    entries: tuple[FeedEntryView, ...]
