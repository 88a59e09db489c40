"""The life of the feeds: what was approved is written down, set, laid out as files, mirrored, and told to the hub.

    moved -> publish -> mirror -> ping

The journal in the store (digest/publish/journal.py) is what is published; files are made from it, and can be made
again. Whatever stops in between is done by the next call.
"""

from digest.publishing.files import write
from digest.publishing.hub import Hub, Pinged
from digest.publishing.press import PUBLIC, FeedLine, Press, Published

__all__ = ["PUBLIC", "FeedLine", "Hub", "Pinged", "Press", "Published", "write"]
