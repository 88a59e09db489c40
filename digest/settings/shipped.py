"""Where what ships with Digest is."""

from __future__ import annotations

from pathlib import Path


def shipped(name: str) -> Path:
    """Where something that ships with Digest is: templates, seeds, subscribers, locale, digest.toml.

    An installed wheel carries them in digest/_shipped; a checkout has them beside the package.
    """
    package = Path(__file__).parent.parent
    installed = package / "_shipped" / name
    return installed if installed.exists() else package.parent / name
