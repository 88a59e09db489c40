"""What `digest check` finds beyond what settings alone can tell."""

from __future__ import annotations

from collections.abc import Iterator

from digest.deliver import Signer, aligned
from digest.places import Places
from digest.settings import FILE, Settings


def unknown_regions(settings: Settings, places: Places) -> Iterator[str]:
    """Sections of regions that there are not."""
    for rule in settings.digests:
        for section in rule.sections:
            for code in (section.region, *(section.pair or ())):
                if code and places.find(code) is None:
                    where = f"digests '{rule.key}': section '{section.key}'"
                    yield f"{where}: no region '{code}' (write a code: CN, CN-GD, 030, x-gba)"


def missing_folders(settings: Settings) -> Iterator[str]:
    """Sources whose folder or file is not there."""
    for source in settings.sources:
        place = source.location
        if not source.live and not source.sent and not (settings.folder / place).exists():
            yield f"sources '{source.key}': {place} does not exist (make it, or take the source out of {FILE})"


def misaligned(settings: Settings, signer: Signer | None) -> Iterator[str]:
    """Mail that receivers will not tie to its sender (DMARC, RFC 7489, 3.1)."""
    sender = settings.publication.sender.rpartition("@")[2]
    bounces = settings.mail.return_path.rpartition("@")[2]
    if signer is not None and not aligned(signer.domain, sender):
        yield f"dkim.domain: {signer.domain} is not the sender's {sender}: signatures count for nothing"
    if bounces and not aligned(bounces, sender):
        yield f"mail.return_path: {bounces} is not the sender's {sender}: SPF counts for nothing"
