"""What leads out of the process, by the settings: mail servers, mailboxes, the web, the signature, sender processes."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from digest.addresses import Guard
from digest.app.edge import now, version
from digest.deliver import (
    Child,
    IMAPInbox,
    Inbox,
    MaildirInbox,
    MaildirTransport,
    Signer,
    SMTPTransport,
    Timeouts,
    Transport,
)
from digest.errors import ConfigError
from digest.fetch import Fetcher, user_agent
from digest.settings import InboxSettings, Settings
from digest.store import Span


def transport_of(settings: Settings, signer: Signer | None, sessions: int = 0) -> Transport:
    """The SMTP server of the settings, or the Maildir while none is set; with so many sessions, or as settings say.

    Raises:
        ConfigError: credentials would go in the clear, or certificates cannot be read.
    """
    mail = settings.mail
    sign = None if signer is None else signer.sign
    if not mail.host:
        return MaildirTransport(settings.state / mail.maildir, sign=sign)
    return SMTPTransport(
        mail.host,
        mail.port,
        security=mail.security.value,
        username=mail.username,
        password=mail.password,
        sessions=sessions or mail.sessions,
        chunking=mail.chunking,
        sign=sign,
        timeouts=Timeouts(connect=mail.timeout, command=mail.timeout, final=mail.timeout),
        ca_file=settings.folder / mail.certificates if mail.certificates else None,
    )


def sender_of(
    settings: Settings, edition_id: str, span: Span, place: int, parts: int, *, surroundings: Mapping[str, str]
) -> Child:
    """How the process is started that sends one of so many ranges, with its share of the limits."""
    mail = settings.mail
    sessions = mail.sessions // parts + (place < mail.sessions % parts)
    slower = [{"domains": one.domains, "rate": one.rate / parts} for one in mail.limits]
    limits = {
        "DIGEST_MAIL_SESSIONS": str(sessions),
        "DIGEST_MAIL_RATE": str(mail.rate / parts),
        "DIGEST_MAIL_LIMITS": json.dumps(slower),
    }
    where = ["--folder", str(settings.folder)]
    numbers = [str(number) for number in (span.first, span.last, span.turn)]
    return Child(
        arguments=[sys.executable, "-m", "digest", *where, "send-range", edition_id, *numbers],
        environment={**surroundings, **limits},
    )


def fetcher_of(settings: Settings) -> Fetcher:
    """A client for what sources have on the network, for one event loop.

    Raises:
        ConfigError: the certificates cannot be read.
    """
    wanted = settings.fetch
    path = settings.folder / wanted.certificates if wanted.certificates else None
    if path is not None and not path.is_file():
        raise ConfigError(f"fetch.certificates: {path}: no such file")
    publication = settings.publication
    return Fetcher(
        Guard(wanted.allow),
        agent=user_agent(publication.title, wanted.contact or publication.url, version()),
        clock=now,
        certificates=str(path or ""),
    )


def mailbox_of(folder: Path, setting: str, wanted: InboxSettings) -> Inbox | None:
    """The mailbox that a table of the settings names; None where it names no place."""
    if wanted.maildir:
        return MaildirInbox(folder / wanted.maildir, setting)
    if not wanted.host:
        return None
    return IMAPInbox(
        wanted.host,
        wanted.port,
        security=wanted.security.value,
        username=wanted.username,
        password=wanted.password,
        folder=wanted.folder,
        timeout=wanted.timeout,
        ca_file=folder / wanted.certificates if wanted.certificates else None,
        setting=setting,
    )


def signer_of(settings: Settings) -> Signer | None:
    """What signs mail; None while no key is set.

    Raises:
        ConfigError: the key cannot be read, or is not what the settings say.
    """
    wanted = settings.dkim
    if not wanted.key_file:
        return None
    try:
        pem = (settings.folder / wanted.key_file).read_bytes()
    except OSError as error:
        raise ConfigError(f"dkim.key_file: {wanted.key_file}: {error.strerror}") from error
    domain = wanted.domain or settings.publication.sender.rpartition("@")[2]
    signer = Signer(domain, wanted.selector, pem)
    if wanted.algorithm not in {"", signer.algorithm}:
        raise ConfigError(f"dkim.algorithm: {wanted.algorithm}, but the key is for {signer.algorithm}")
    return signer
