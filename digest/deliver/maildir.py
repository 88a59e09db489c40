"""Copies as files of a Maildir: the transport until an SMTP server is set, and what `digest catch` keeps.

A Maildir (D. J. Bernstein's format): a message is written to tmp/, synced, and renamed into new/, so that a reader
sees it whole or not at all. Line ends are those of the machine (LF), as a delivery agent leaves them.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Self

from digest.deliver.transport import Envelope, Leaving, alone
from digest.errors import DeliveryError
from digest.model import Accepted, Outcome, Reply

_MESSAGE_ID = re.compile(rb"^message-id:[ \t\r\n]*(<[^>\r\n]*>)", re.IGNORECASE | re.MULTILINE)


class Maildir:
    """A folder of messages, one file each."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def create(self) -> None:
        """Make the folder with its tmp, new and cur.

        Raises:
            OSError: it cannot be made.
        """
        for part in ("tmp", "new", "cur"):
            (self.path / part).mkdir(parents=True, exist_ok=True)

    def put(self, name: str, content: bytes) -> None:
        """Write a message durably under a name in new/; a message of the same name is replaced.

        Raises:
            OSError: the disk is full, or the folder cannot be written.
        """
        draft, place = self.path / "tmp" / name, self.path / "new" / name
        try:
            with draft.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(place)
        except OSError:
            draft.unlink(missing_ok=True)
            raise
        folder = os.open(place.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def names(self) -> set[str]:
        """The names of all messages, those already seen (in cur/) without their flags."""
        seen = (self.path / "cur").iterdir() if (self.path / "cur").is_dir() else ()
        new = (self.path / "new").iterdir() if (self.path / "new").is_dir() else ()
        return {file.name.partition(":")[0] for file in (*seen, *new)}


def as_delivered(sender: str, recipients: list[str], content: bytes) -> bytes:
    """A message as a delivery agent files it: the envelope on top (RFC 5321, 4.4), LF line ends."""
    lines = [f"Return-Path: <{sender}>", *(f"Delivered-To: {recipient}" for recipient in recipients)]
    envelope = "".join("".join(char for char in line if char.isprintable()) + "\n" for line in lines)
    return envelope.encode("utf-8", "replace") + content.replace(b"\r\n", b"\n")


class MaildirTransport:
    """Carries messages into a Maildir.

    A message's file is named by its Message-ID and recipient. So an attempt that is repeated, after a crash or because
    its end was in doubt, replaces the file, or leaves it alone where a reader has moved it to cur/; nothing is doubled.
    """

    sessions = 1

    def __init__(self, path: Path, *, sign: Callable[[bytes], bytes] | None = None) -> None:
        self._maildir = Maildir(path)
        self.sign = sign
        self._seen: set[str] = set()

    async def __aenter__(self) -> Self:
        """Make the folder.

        Raises:
            DeliveryError: it cannot be made.
        """
        try:
            await asyncio.to_thread(self._maildir.create)
            self._seen = await asyncio.to_thread(self._maildir.names)
        except OSError as error:
            raise _unusable(self._maildir.path, error) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is held open."""

    def session(self) -> MaildirSession:
        """A session; there is nothing to connect to."""
        return MaildirSession(self._maildir, frozenset(self._seen))


class MaildirSession:
    """Files one message at a time."""

    def __init__(self, maildir: Maildir, seen: frozenset[str]) -> None:
        self._maildir = maildir
        self._seen = seen

    async def send(self, envelope: Envelope, leaving: Leaving = alone) -> Outcome:
        """File one message.

        Raises:
            DeliveryError: the folder cannot be written (full disk, no permission).
        """
        head = envelope.content.partition(b"\r\n\r\n")[0]
        found = _MESSAGE_ID.search(head)
        identity = found[1] if found else envelope.content
        name = sha256(identity + b"\0" + envelope.recipient.encode()).hexdigest()[:32]
        if name in self._seen and not (self._maildir.path / "new" / name).exists():
            return Accepted(reply=Reply(code=250, text=f"already in cur/ as {name}"))
        await leaving()
        filed = as_delivered(envelope.sender, [envelope.recipient], envelope.content)
        try:
            await asyncio.to_thread(self._maildir.put, name, filed)
        except OSError as error:
            raise _unusable(self._maildir.path, error) from error
        return Accepted(reply=Reply(code=250, text=f"filed as new/{name}"))

    async def close(self) -> None:
        """Nothing is held open."""


def _unusable(path: Path, error: OSError) -> DeliveryError:
    return DeliveryError(
        f"cannot write mail to {path}: {error.strerror}; make room or give permission, then send again"
    )
