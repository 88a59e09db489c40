"""A live source's life: found, kept, asked when it is due, moved, held, dropped. The rooms, introduced to each other.

LiveSources     which there are, and what an operator does       live.py
opml_of         a list of them                               opml.py
Round           they are asked, and what came is kept            asking.py
"""

from digest.sources.asking import Polled
from digest.sources.live import POLLING, Listed, LiveSources, Part, Standing
from digest.sources.opml import opml_of

__all__ = ["POLLING", "Listed", "LiveSources", "Part", "Polled", "Standing", "opml_of"]
