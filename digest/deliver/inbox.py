"""What readers write to the unsubscribe address: read from a Maildir or an IMAP folder. Nothing is ever answered.

Only a signed token acts: the subject that our own `List-Unsubscribe: <mailto:…>` put there, "unsubscribe TOKEN". Who
seems to have sent a letter means nothing, since anybody can write that. Automatic answers and bounces are ignored. What
is not for us stays where it is, unread, and is never deleted.
"""

from __future__ import annotations

import contextlib
import imaplib
import re
import socket
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import compat32
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol, Self

from digest.errors import DeliveryError

_HEAD_LIMIT: Final = 64 * 1024  # octets of a letter that are looked at: its header
_WORD: Final = "unsubscribe"
_SUBJECT: Final = re.compile(rf"(?:re:\s*)?{_WORD}\s+([A-Za-z0-9._-]{{10,128}})", re.IGNORECASE)
_AUTOMATIC: Final = ("x-autoreply", "x-autorespond", "x-auto-reply-from", "x-mail-autoreply")
_SEEN: Final = "\\Seen"


@dataclass(frozen=True)
class Leave:
    """A letter that asks to end a subscription; the token still has to be verified."""

    token: str


@dataclass(frozen=True)
class Ignored:
    """A letter that asks nothing of us, and why; never whom it is from."""

    reason: str


def subject_of(token: str) -> str:
    """The subject that a `mailto:` for a token carries."""
    return f"{_WORD} {token}"


def read_letter(head: bytes) -> Leave | Ignored:
    """What a letter asks for, by its header alone. Whatever it holds, nothing is raised."""
    letter = BytesHeaderParser(policy=compat32).parsebytes(head[:_HEAD_LIMIT])
    automatic = _automatic(letter)
    if automatic:
        return Ignored(automatic)
    match = _SUBJECT.fullmatch(" ".join(decoded(str(letter.get("Subject", ""))).split()))
    return Leave(match[1]) if match else Ignored("its subject is not that of an unsubscribe link")


def _automatic(letter: Message) -> str:
    """Why a letter was written by a machine in answer to something (RFC 3834, RFC 3464), or "".

    "auto-generated" is no answer: mail programs write the letters behind their unsubscribe buttons so.
    """
    if str(letter.get("Auto-Submitted", "no")).partition(";")[0].strip().casefold() == "auto-replied":
        return "an automatic answer"
    if any(name in letter for name in _AUTOMATIC) or str(letter.get("Precedence", "")).casefold() == "auto_reply":
        return "an automatic answer"
    kind = str(letter.get("Content-Type", "")).partition(";")[0].strip().casefold()
    if kind == "multipart/report" or str(letter.get("Return-Path", "")).strip() == "<>":
        return "a bounce or a report"
    return ""


def decoded(value: str) -> str:
    """A header's value without its encoded words (RFC 2047), as far as they can be read."""
    try:
        parts = decode_header(value)
        return "".join(
            part.decode(charset or "ascii", "replace") if isinstance(part, bytes) else part for part, charset in parts
        )
    except (HeaderParseError, LookupError, ValueError):
        return value


class Inbox(Protocol):
    """Where letters lie. A context manager; raises DeliveryError where it cannot be reached."""

    def __enter__(self) -> Self:
        """Open it."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        ...

    def names(self) -> tuple[str, ...]:
        """Names of all letters; a name is never given again."""
        ...

    def head(self, name: str) -> bytes | None:
        """The header of a letter; None when it is gone. It stays unread."""
        ...

    def whole(self, name: str, limit: int) -> bytes | None:
        """A letter's first octets; None when it is gone. It stays unread."""
        ...

    def done(self, name: str) -> None:
        """Mark a letter as read: it was for us and has been dealt with."""
        ...


class MaildirInbox:
    """A Maildir (D. J. Bernstein's format) that a delivery agent fills. What was dealt with moves to cur/ as seen."""

    def __init__(self, path: Path, setting: str = "inbox") -> None:
        self._path = path
        self._setting = setting  # whose errors are meant: "inbox" or "bounces"
        self._files: dict[str, Path] = {}

    def __enter__(self) -> Self:
        """Look for the folder.

        Raises:
            DeliveryError: it is not there.
        """
        if not (self._path / "new").is_dir():
            raise DeliveryError(f"{self._setting}.maildir: {self._path} is no Maildir (it has no folder new)")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is held open."""

    def names(self) -> tuple[str, ...]:
        """Names of all letters, without their flags.

        Raises:
            DeliveryError: the folder cannot be read.
        """
        try:
            files = [
                file
                for part in ("new", "cur")
                if (self._path / part).is_dir()
                for file in (self._path / part).iterdir()
                if not file.name.startswith(".")
            ]
        except OSError as error:
            raise DeliveryError(f"{self._setting}.maildir: {self._path}: {error.strerror}") from error
        self._files = {file.name.partition(":")[0]: file for file in files}
        return tuple(sorted(self._files))

    def head(self, name: str) -> bytes | None:
        """The header of a letter; None when it is gone or cannot be read."""
        content = self.whole(name, _HEAD_LIMIT)
        return None if content is None else _header(content)

    def whole(self, name: str, limit: int) -> bytes | None:
        """A letter's first octets; None when it is gone or cannot be read."""
        try:
            with self._files[name].open("rb") as file:
                return file.read(limit)
        except OSError:
            return None

    def done(self, name: str) -> None:
        """Move a letter to cur/, as seen."""
        file = self._files[name]
        flags = file.name.partition(":2,")[2]
        target = self._path / "cur" / f"{name}:2,{''.join(sorted({*flags, 'S'}))}"
        with contextlib.suppress(FileNotFoundError):  # a mail program was faster
            target.parent.mkdir(exist_ok=True)
            file.rename(target)


class IMAPInbox:
    """A folder on an IMAP server (RFC 3501), read with BODY.PEEK so that letters of others stay unread.

    Args:
        host: the server.
        port: 993 with `security` "tls", 143 with "starttls".
        security: "tls", "starttls" (required), or "none" (loopback and test only).
        username: for LOGIN.
        password: for LOGIN.
        folder: name of the folder.
        timeout: seconds to wait for a reply.
        ca_file: certificate authorities to trust; the system's when None.
        setting: whose errors are meant: "inbox" or "bounces".
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        security: str,
        username: str,
        password: str,
        folder: str = "INBOX",
        timeout: float = 30.0,
        ca_file: Path | None = None,
        setting: str = "inbox",
    ) -> None:
        self._setting = setting
        self._host = host
        self._port = port
        self._security = security
        self._username = username
        self._password = password
        self._folder = folder
        self._timeout = timeout
        self._ca_file = ca_file
        self._client: imaplib.IMAP4 | None = None
        self._validity = ""

    def __enter__(self) -> Self:
        """Connect, log in, and select the folder.

        Raises:
            DeliveryError: the server does not answer, or refuses.
        """
        with self._own_words():
            self._client = self._connect()
            try:
                self._client.login(self._username, self._password)
                quoted = '"' + self._folder.replace("\\", "\\\\").replace('"', '\\"') + '"'
                self._ask(*self._client.select(quoted))
                validity: Any = self._client.untagged_responses.get("UIDVALIDITY", [b""])
                self._validity = bytes(validity[-1]).decode("ascii", "replace")
            except BaseException:
                self._close()
                raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Log out; nothing is expunged."""
        self._close()

    def names(self) -> tuple[str, ...]:
        """UIDVALIDITY and UID of all letters that are not deleted.

        Raises:
            DeliveryError: the server failed.
        """
        with self._own_words():
            found = self._ask(*self._open.uid("SEARCH", "UNDELETED"))
        return tuple(f"{self._validity}.{number.decode('ascii')}" for line in found for number in line.split())

    def head(self, name: str) -> bytes | None:
        """The header of a letter; None when it is gone.

        Raises:
            DeliveryError: the server failed.
        """
        return self._fetch(name, f"(BODY.PEEK[HEADER]<0.{_HEAD_LIMIT}>)")

    def whole(self, name: str, limit: int) -> bytes | None:
        """A letter's first octets; None when it is gone.

        Raises:
            DeliveryError: the server failed.
        """
        return self._fetch(name, f"(BODY.PEEK[]<0.{limit}>)")

    def _fetch(self, name: str, what: str) -> bytes | None:
        with self._own_words():
            answer = self._ask(*self._open.uid("FETCH", _number(name), what))
        literal = next((part for part in answer if isinstance(part, tuple)), None)
        return bytes(literal[1]) if literal else None

    def done(self, name: str) -> None:
        """Flag a letter as seen.

        Raises:
            DeliveryError: the server failed.
        """
        with self._own_words():
            self._ask(*self._open.uid("STORE", _number(name), "+FLAGS.SILENT", f"({_SEEN})"))

    def _connect(self) -> imaplib.IMAP4:
        context = ssl.create_default_context(cafile=str(self._ca_file) if self._ca_file else None)
        if self._security == "tls":
            return imaplib.IMAP4_SSL(self._host, self._port, ssl_context=context, timeout=self._timeout)
        client = imaplib.IMAP4(self._host, self._port, timeout=self._timeout)
        if self._security == "starttls":
            try:
                client.starttls(ssl_context=context)
            except BaseException:
                with contextlib.suppress(OSError):  # a handshake that failed has closed it; why is what must be told
                    client.shutdown()
                raise
        return client

    @property
    def _open(self) -> imaplib.IMAP4:
        if self._client is None:
            raise DeliveryError("the inbox is not open")
        return self._client

    def _close(self) -> None:
        if self._client is not None:
            with contextlib.suppress(imaplib.IMAP4.error, OSError):
                self._client.logout()
            self._client = None

    def _ask(self, status: str, answer: Sequence[Any]) -> list[Any]:
        if status != "OK":
            said = next((part for part in answer if isinstance(part, bytes)), b"").decode("utf-8", "replace")
            raise DeliveryError(f"{self._setting}.host: {self._host}: {status} {said[:200]}")
        return [part for part in answer if part is not None]

    @contextlib.contextmanager
    def _own_words(self) -> Iterator[None]:
        try:
            yield
        except (imaplib.IMAP4.error, socket.gaierror, OSError) as error:
            raise DeliveryError(f"{self._setting}.host: {self._host}:{self._port}: {str(error)[:200]}") from error


def _number(name: str) -> str:
    return name.rpartition(".")[2]


def _header(content: bytes) -> bytes:
    """A message up to its first empty line."""
    ends = [place for mark in (b"\n\n", b"\r\n\r\n") if (place := content.find(mark)) >= 0]
    return content[: min(ends) + 2] if ends else content
