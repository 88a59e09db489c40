from __future__ import annotations

from pathlib import Path

import pytest

from digest.deliver.maildir import Maildir, MaildirTransport
from digest.deliver.transport import Envelope
from digest.errors import DeliveryError
from digest.model import Accepted

CONTENT = b"From: a@example.org\r\nMessage-ID: <1.2@news.example.org>\r\n\r\nHello =E8=AF=BB.\r\n"


def envelope(recipient: str = "r@example.net", content: bytes = CONTENT) -> Envelope:
    return Envelope(sender="bounce@example.org", recipient=recipient, content=content)


async def test_a_copy_is_one_file_as_a_delivery_agent_leaves_it(tmp_path: Path) -> None:
    async with MaildirTransport(tmp_path / "mail") as transport:
        session = transport.session()
        outcome = await session.send(envelope())
        await session.close()
    (file,) = (tmp_path / "mail/new").iterdir()
    assert file.read_bytes() == (
        b"Return-Path: <bounce@example.org>\nDelivered-To: r@example.net\n" + CONTENT.replace(b"\r\n", b"\n")
    )
    assert isinstance(outcome, Accepted)
    assert outcome.reply.text == f"filed as new/{file.name}"
    assert not list((tmp_path / "mail/tmp").iterdir())
    assert (tmp_path / "mail/cur").is_dir()


async def test_a_repeated_attempt_doubles_nothing_not_even_what_was_read(tmp_path: Path) -> None:
    for _ in range(2):
        async with MaildirTransport(tmp_path) as transport:
            session = transport.session()
            await session.send(envelope())
            await session.send(envelope())
            await session.send(envelope("other@example.net"))
    new = sorted((tmp_path / "new").iterdir())
    assert len(new) == 2
    for file in new:
        file.rename(tmp_path / "cur" / f"{file.name}:2,S")
    async with MaildirTransport(tmp_path) as transport:
        outcome = await transport.session().send(envelope())
        assert isinstance(outcome, Accepted)
        assert "already in cur/" in outcome.reply.text
    assert not list((tmp_path / "new").iterdir())


async def test_without_a_message_id_the_content_is_the_identity(tmp_path: Path) -> None:
    async with MaildirTransport(tmp_path) as transport:
        session = transport.session()
        await session.send(envelope(content=b"A: 1\r\n\r\nMessage-ID: <not@a.header>\r\n"))
        await session.send(envelope(content=b"A: 2\r\n\r\nMessage-ID: <not@a.header>\r\n"))
    assert len(list((tmp_path / "new").iterdir())) == 2


async def test_a_folder_that_cannot_be_made_or_written_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(DeliveryError, match=r"cannot write mail to .*file"):
        async with MaildirTransport(tmp_path / "file"):
            pass
    async with MaildirTransport(tmp_path / "mail") as transport:
        (tmp_path / "mail/new").rmdir()
        (tmp_path / "mail/new").write_text("in the way")
        with pytest.raises(DeliveryError, match="make room or give permission"):
            await transport.session().send(envelope())
    assert not list((tmp_path / "mail/tmp").iterdir())


def test_names_of_a_maildir_that_is_not_there(tmp_path: Path) -> None:
    assert Maildir(tmp_path / "none").names() == set()
