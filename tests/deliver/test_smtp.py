"""The SMTP transport against real servers: the catcher (aiosmtpd), and one that misbehaves."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest

from digest.deliver.catch import Catcher, Security
from digest.deliver.smtp import SMTPTransport, Timeouts
from digest.deliver.transport import Envelope
from digest.errors import ConfigError, DeliveryError
from digest.model import Accepted, Copy, Deferred, Outcome, Refused, Uncertain
from tests.deliver.ledger import claim
from tests.deliver.server import Rogue
from tests.deliver.test_message import COPY, DATE, PUBLICATION, build

TLS = Path(__file__).parent / "tls"
TIMEOUTS = Timeouts(connect=2, command=0.3, final=0.3, quit=0.3)


def server_tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "cert.pem", TLS / "key.pem")
    return context


def envelope(
    to: str = "r@example.net", content: bytes = b"Subject: x\r\n\r\nHello.\r\n", sender: str = "b@example.org"
) -> Envelope:
    return Envelope(sender=sender, recipient=to, content=content)


async def send(server: Any, *envelopes: Envelope, **settings: Any) -> list[Outcome]:
    host = settings.pop("host", "127.0.0.1")
    async with SMTPTransport(host, server.port, timeouts=TIMEOUTS, **settings) as transport:
        session = transport.session()
        try:
            return [await session.send(each) for each in envelopes or (envelope(),)]
        finally:
            await session.close()


def arrived(maildir: Path) -> list[bytes]:
    """What the catcher kept, without its envelope, with the line ends of the wire."""
    files = sorted((maildir / "new").iterdir())
    return [file.read_bytes().split(b"\n", 2)[2].replace(b"\n", b"\r\n") for file in files]


@pytest.mark.parametrize(
    "content",
    [
        build(COPY, publication=PUBLICATION, claim=claim("r@example.net"), list_id="w.example.org", list_title="W", date=DATE),
        build(
            Copy(subject="点", text=".\n..\n.x\nFrom me\n" + "广" * 3000, html=".\n" + "<b>.</b>\n" * 2000),
            publication=PUBLICATION,
            claim=claim("r@example.net", name="读者"),
            list_id="w.example.org",
            list_title="周报",
            date=DATE,
        ),
        b".\r\n..\r\n.dots at line starts\r\n.\r\n\r\nbody\r\n...\r\n",
        b"Subject: long\r\n\r\n" + b"x" * 998 + b"\r\n" + (b"y" * 76 + b"\r\n") * 3000,
    ],
    ids=["copy", "dots and Chinese", "raw dots", "long lines"],
)  # fmt: skip
async def test_what_arrives_is_what_was_sent_byte_by_byte(tmp_path: Path, content: bytes) -> None:
    with Catcher(tmp_path) as catcher:
        (outcome,) = await send(catcher, envelope(content=content))
    assert isinstance(outcome, Accepted)
    assert arrived(tmp_path) == [content]


PLAIN: dict[str, Any] = {}
PIPELINING = {"pipelining": True}
LENIENT = {"pipelining": True, "lenient": True}
CHUNKING = {"pipelining": True, "chunking": True}
OFFERS = pytest.mark.parametrize(
    "offers", [PLAIN, PIPELINING, LENIENT, CHUNKING], ids=["plain", "pipelining", "lenient", "chunking"]
)


async def send_in_a_row(server: Rogue, names: list[str], **settings: Any) -> tuple[list[Outcome], list[str]]:
    """Send as the campaign does: each copy is told its next one when its body leaves. Outcomes, and what happened."""
    envelopes = [envelope(f"{name}@example.net", b"Subject: x\r\n\r\n%s\r\n" % name.encode()) for name in names]
    log: list[str] = []
    outcomes = []
    async with SMTPTransport(
        "127.0.0.1", server.port, timeouts=TIMEOUTS, chunking=server.chunking, **settings
    ) as transport:
        session = transport.session()
        for number, (each, name) in enumerate(zip(envelopes, names, strict=True)):

            async def leaving(number: int = number, name: str = name) -> Envelope | None:
                log.append(f"{name} leaves")
                assert f"{name}@example.net" not in [kept.recipient for kept in server.kept]
                return envelopes[number + 1] if number + 1 < len(envelopes) else None

            outcomes.append(await session.send(each, leaving))
        await session.close()
    return outcomes, log


@OFFERS
async def test_copies_in_a_row_each_arrive_once_and_leave_after_they_were_noted(offers: dict[str, Any]) -> None:
    names = [f"r{n}" for n in range(9)]
    async with Rogue(**offers) as server:
        outcomes, log = await send_in_a_row(server, names)
    assert all(isinstance(each, Accepted) for each in outcomes)
    assert log == [f"{name} leaves" for name in names]
    assert [(kept.recipient, kept.content) for kept in server.kept] == [
        (f"{name}@example.net", b"Subject: x\r\n\r\n%s\r\n" % name.encode()) for name in names
    ]
    assert server.connections == 1
    assert server.commands["RSET"] == 0
    assert server.commands["BDAT"] == (18 if offers is CHUNKING else 0)
    assert server.commands["DATA"] == (0 if offers is CHUNKING else 9)


@OFFERS
async def test_a_refusal_inside_a_group_touches_no_other_copy(offers: dict[str, Any]) -> None:
    names = [
        "a",
        "refuse-1",
        "b",
        "refuse-2",
        "policy-1",
        "nodata-1",
        "c",
        "spam-1",
        "full-1",
        "busy-1",
        "d",
        "refuse-3",
    ]
    async with Rogue(**offers) as server:
        outcomes, log = await send_in_a_row(server, names)
    assert [type(each).__name__ for each in outcomes] == [
        "Accepted", "Refused", "Accepted", "Refused", "Refused", "Refused", "Accepted", "Refused", "Deferred", "Deferred",
        "Accepted", "Refused",
    ]  # fmt: skip
    replies = [str(each.reply) for each in outcomes if isinstance(each, Refused)]
    assert replies[0] == "550 5.1.1 <refuse-1@example.net>: no such user"  # not what DATA said after it
    assert replies[3] == "554 no data from you"
    assert [kept.recipient for kept in server.kept] == [f"{name}@example.net" for name in "abcd"]
    chunked = (
        offers is CHUNKING
    )  # its copies leave before their chunk is answered, and one that was refused ends it all
    assert server.connections == (2 if chunked else 1)
    assert server.commands["QUIT"] == 1
    # Nothing is said to leave when it could not: only what was granted.
    left = ("a", "b", *(["nodata-1"] if chunked else []), "c", "spam-1", "busy-1", "d")
    assert log == [f"{name} leaves" for name in left]


@OFFERS
@pytest.mark.parametrize(
    "kind", ["close-1", "cut-1", "cut-data-1", "cut-dot-1", "garbage-1", "garbage-dot-1", "stall-dot-1"]
)
async def test_a_connection_lost_inside_a_group_dooms_no_other_copy(offers: dict[str, Any], kind: str) -> None:
    async with Rogue(**offers) as server:
        outcomes, _ = await send_in_a_row(server, ["a", kind, "b", "c"])
    assert [type(outcomes[n]) for n in (0, 2, 3)] == [Accepted] * 3
    if kind.endswith("dot-1"):
        assert isinstance(outcomes[1], Uncertain)
    else:  # where the loss was seen before its envelope was answered, it went over the new connection at once
        assert isinstance(outcomes[1], Deferred | Uncertain | Accepted)
    arrived = [kept.recipient for kept in server.kept]
    assert len(arrived) == len(set(arrived))
    assert server.connections == 2


@OFFERS
@pytest.mark.parametrize("tired", [{"per_connection": 2}, {"tired_after": 2}], ids=["cut", "421"])
async def test_a_server_that_wants_a_new_connection_gets_one(offers: dict[str, Any], tired: dict[str, Any]) -> None:
    async with Rogue(**offers, **tired) as server:
        outcomes, _ = await send_in_a_row(server, [f"r{n}" for n in range(7)])
    assert all(isinstance(each, Accepted) for each in outcomes)
    assert len(server.kept) == 7
    assert server.connections == 4


@pytest.mark.parametrize("offers", [PIPELINING, LENIENT, CHUNKING])
async def test_a_refused_sender_inside_a_group(offers: dict[str, Any]) -> None:
    async with Rogue(mail=b"550 5.1.8 no such domain", **offers) as server:
        outcomes, log = await send_in_a_row(server, ["a", "b"])
    assert all(isinstance(each, Refused) and each.ours for each in outcomes)
    assert (server.connections, server.kept, log) == (1, [], [])


@pytest.mark.parametrize("offers", [PLAIN, PIPELINING, CHUNKING])
async def test_where_reset_fails_after_a_group_a_new_connection_is_opened(offers: dict[str, Any]) -> None:
    async with Rogue(rset=b"502 5.5.1 no such thing", **offers) as server:
        outcomes, _ = await send_in_a_row(server, ["refuse-1", "a"])
    assert isinstance(outcomes[1], Accepted)
    assert server.connections == 2


async def test_an_unfit_copy_is_never_written_ahead() -> None:
    async with (
        Rogue(pipelining=True) as server,
        SMTPTransport("127.0.0.1", server.port, timeouts=TIMEOUTS) as transport,
    ):
        session = transport.session()
        bad = envelope("r@example.net> SIZE=1")

        async def leaving() -> Envelope:
            return bad

        assert isinstance(await session.send(envelope(), leaving), Accepted)
        assert isinstance(await session.send(bad), Refused)
        assert isinstance(await session.send(envelope()), Accepted)
        await session.close()
    assert server.commands["MAIL"] == 2


async def test_a_copy_that_may_not_leave_does_not() -> None:
    async with (
        Rogue(pipelining=True) as server,
        SMTPTransport("127.0.0.1", server.port, timeouts=TIMEOUTS) as transport,
    ):
        session = transport.session()

        async def leaving() -> Envelope:
            msg = "the ledger failed"
            raise RuntimeError(msg)

        with pytest.raises(RuntimeError):
            await session.send(envelope(), leaving)
        assert isinstance(await session.send(envelope()), Accepted)
        await session.close()
    assert len(server.kept) == 1
    assert server.connections == 2


async def test_a_reply_that_does_not_end_is_no_reply() -> None:
    async with Rogue(mail=b"\r\n".join([b"250-more"] * 200_000) + b"\r\n250 ok") as server:
        (outcome,) = await send(server)
    assert isinstance(outcome, Deferred)
    assert "does not end" in outcome.reply.text


async def test_a_server_that_closes_before_the_message_cannot_have_it() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 shy\r\n")
        for answer in (b"250 shy", b"250 ok", b"250 ok", b"354 go"):
            await reader.readuntil(b"\r\n")
            writer.write(answer + b"\r\n")
        writer.close()

    async def leaving() -> None:
        await asyncio.sleep(0.05)  # let the end of the connection arrive

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, SMTPTransport("127.0.0.1", server.sockets[0].getsockname()[1], timeouts=TIMEOUTS) as transport:
        outcome = await transport.session().send(envelope(), leaving)
    assert isinstance(outcome, Deferred)
    assert "closed the connection before the message" in outcome.reply.text


async def test_to_a_distant_server_the_body_leaves_ahead_of_its_end() -> None:
    content = b"Subject: x\r\n\r\n.Hello.\r\n"
    arrived, kept = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 far\r\n")
        for answer in (b"250 far", b"250 ok", b"250 ok", b"354 go"):
            await reader.readuntil(b"\r\n")
            writer.write(answer + b"\r\n")
        await reader.readuntil(b"\r\n\r\n..Hello.\r\n")
        arrived.set()
        assert await reader.readuntil(b"\r\n") == b".\r\n"
        kept.set()
        writer.write(b"250 kept\r\n")
        await reader.read()
        writer.close()

    async def leaving() -> None:
        await asyncio.wait_for(arrived.wait(), 60)
        assert not kept.is_set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    timeouts = Timeouts(connect=60, command=60, final=60, quit=0.3)
    # An address of this machine that is not seen to be one.
    async with server, SMTPTransport("127.1", port, timeouts=timeouts, local_hostname="localhost") as transport:
        session = transport.session()
        assert isinstance(await session.send(envelope(content=content), leaving), Accepted)
        await session.close()


async def test_one_connection_carries_many_messages_and_survives_refusals(tmp_path: Path) -> None:
    names = ["a", "refuse-1", "b", "nodata-1", "spam-1", "full-1", "c"]
    async with Rogue() as server:
        outcomes = await send(server, *(envelope(f"{name}@example.net") for name in names))
    assert [type(each).__name__ for each in outcomes] == [
        "Accepted", "Refused", "Accepted", "Refused", "Refused", "Deferred", "Accepted"
    ]  # fmt: skip
    assert server.connections == 1
    assert server.commands["RSET"] == 3  # after each transaction that was begun and not ended
    assert server.commands["QUIT"] == 1
    assert [kept.recipient for kept in server.kept] == ["a@example.net", "b@example.net", "c@example.net"]


async def test_where_reset_fails_a_new_connection_is_opened() -> None:
    async with Rogue(rset=b"502 5.5.1 no such thing") as server:
        outcomes = await send(server, envelope("refuse-1@example.net"), envelope("a@example.net"))
    assert isinstance(outcomes[1], Accepted)
    assert server.connections == 2


async def test_a_refused_sender_is_a_fault_of_ours() -> None:
    async with Rogue(mail=b"550 5.1.8 no such domain") as server:
        outcomes = await send(server, envelope(), envelope())
    assert all(isinstance(each, Refused) and each.ours for each in outcomes)
    assert server.commands["RSET"] == 0


@pytest.mark.parametrize(
    ("to", "kind", "said"),
    [
        ("cut-1", Deferred, "no readable reply to RCPT"),
        ("garbage-1", Deferred, "Malformed SMTP response line: hello there"),
        ("stall-1", Deferred, "Timed out"),
        ("odd-1", Deferred, "what now"),
        ("close-1", Deferred, "shutting down"),
        ("cut-dot-1", Uncertain, "no readable reply to the message"),
        ("cut-data-1", Deferred | Uncertain, "the message"),
        ("garbage-dot-1", Uncertain, "Malformed"),
        ("stall-dot-1", Uncertain, "Timed out"),
    ],
)
async def test_after_a_lost_connection_the_next_copy_goes_over_a_new_one(to: str, kind: Any, said: str) -> None:
    async with Rogue() as server:
        outcomes = await send(server, envelope(f"{to}@example.net"), envelope("next@example.net"))
    assert isinstance(outcomes[0], kind)
    assert not isinstance(outcomes[0], Accepted | Refused)
    assert said in outcomes[0].reply.text
    assert isinstance(outcomes[1], Accepted)
    assert server.connections == 2


async def test_a_body_that_is_refused_while_it_is_still_on_its_way() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hasty\r\n")
        for answer in (b"250 hasty", b"250 ok", b"250 ok", b"354 go"):
            await reader.readuntil(b"\r\n")
            writer.write(answer + b"\r\n")
        await reader.read(10_000)
        writer.write(b"552 5.3.4 too large\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    server.port = server.sockets[0].getsockname()[1]  # type: ignore[attr-defined] # as the others have it
    async with server:
        (outcome,) = await send(server, envelope(content=b"x: y\r\n\r\n" + b"z" * 70 + b"\r\n" * 3_000_000))
    # Either the reply was read, or the reset that followed hid it: never more than was heard.
    assert isinstance(outcome, Refused | Uncertain)


@pytest.mark.parametrize(
    ("greeting", "said"),
    [(b"554 no service", "554 no service"), (b"421 too busy", "too busy"), (b"what?", "Malformed")],
)
async def test_a_server_that_does_not_greet_us_refuses_nobody(greeting: bytes, said: str) -> None:
    async with Rogue(greeting=greeting) as server:
        (outcome,) = await send(server)
    assert isinstance(outcome, Deferred)
    assert said in outcome.reply.text
    assert outcome.reply.code in (0, 421)


async def test_a_server_that_only_knows_helo() -> None:
    async with Rogue(ehlo=b"502 what?") as server:
        (outcome,) = await send(server)
    assert isinstance(outcome, Accepted)
    assert server.commands["HELO"] == 1


async def test_a_server_that_hangs_up_at_ehlo() -> None:
    async with Rogue(ehlo=b"421 bye", hello=b"421 bye") as server:
        (outcome,) = await send(server)
    assert isinstance(outcome, Deferred)


async def test_nobody_there(unused_tcp_port: int) -> None:
    async with SMTPTransport("127.0.0.1", unused_tcp_port, timeouts=TIMEOUTS) as transport:
        outcome = await transport.session().send(envelope())
    assert isinstance(outcome, Deferred)
    assert outcome.reply.code == 0
    assert f"no connection to 127.0.0.1:{unused_tcp_port}" in outcome.reply.text


@pytest.mark.parametrize(
    ("bad", "ours"),
    [
        (envelope("r@example.net\r\nRCPT TO:<x@example.net>"), False),
        (envelope("r@example.net> SIZE=1"), False),
        (envelope("Ann <r@example.net>"), False),
        (envelope("王@example.net"), False),
        (envelope("r@bücher.example"), False),
        (envelope(sender="b@example.org\r\nRSET"), True),
        (envelope(content=b"Subject: x\r\n\r\na\n.\r\nMAIL FROM:<evil@example.org>\r\n"), True),
        (envelope(content=b"Subject: x\r\n\r\na\r.\r\nRSET\r\n"), True),
        (envelope(content=b"Subject: x\r\n\r\na\r\n.\nRSET\r\n"), True),
        (envelope(content=b"Subject: x\r\n\r\nno end"), True),
        (envelope(content="Subject: 广\r\n\r\n".encode()), True),
        (envelope(content=b"Subject: \0\r\n\r\n"), True),
    ],
)  # fmt: skip
async def test_what_is_unfit_for_the_wire_never_reaches_it(bad: Envelope, ours: bool) -> None:
    async with Rogue() as server:
        (outcome,) = await send(server, bad)
    assert isinstance(outcome, Refused)
    assert outcome.ours is ours
    assert outcome.reply.code == 0
    assert server.connections == 0


async def test_the_empty_sender_of_a_notification(tmp_path: Path) -> None:
    with Catcher(tmp_path) as catcher:
        (outcome,) = await send(catcher, envelope(sender=""))
    assert isinstance(outcome, Accepted)
    (file,) = (tmp_path / "new").iterdir()
    assert file.read_bytes().startswith(b"Return-Path: <>\nDelivered-To: r@example.net\n")


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_tls_and_auth(tmp_path: Path, security: Any) -> None:
    secured = Security(tls=server_tls(), implicit=security == "tls", username="digest", password="pä ss")
    with Catcher(tmp_path, security=secured) as catcher:
        right = {"security": security, "username": "digest", "ca_file": TLS / "cert.pem", "host": "localhost"}
        outcomes = await send(catcher, envelope(), envelope(), password="pä ss", **right)
        assert all(isinstance(each, Accepted) for each in outcomes)
        with pytest.raises(DeliveryError, match="refuses our user name or password: 535"):
            await send(catcher, password="wrong", **right)
        with pytest.raises(DeliveryError, match="wants to know who we are: 530"):
            await send(catcher, security=security, ca_file=TLS / "cert.pem")
        with pytest.raises(DeliveryError, match="certificate verify failed"):
            await send(catcher, security=security, username="digest", password="pä ss")
        (unverified,) = await send(catcher, security=security, username="digest", password="pä ss", verify=False)
        assert isinstance(unverified, Accepted)
    assert len(list((tmp_path / "new").iterdir())) == 3


async def test_auth_in_the_clear_only_to_the_loopback(tmp_path: Path) -> None:
    with Catcher(tmp_path, security=Security(username="digest", password="secret")) as catcher:
        (outcome,) = await send(catcher, username="digest", password="secret")
        assert isinstance(outcome, Accepted)
    for host in ("mail.example.org", "192.0.2.1"):
        with pytest.raises(ConfigError, match="in the clear"):
            SMTPTransport(host, username="digest", password="secret")
    assert SMTPTransport("localhost", username="digest", password="secret").port == 25
    assert SMTPTransport("mail.example.org", security="tls", username="digest", password="x").port == 465
    assert SMTPTransport("mail.example.org", security="starttls", username="digest", password="x").port == 587


async def test_starttls_that_is_not_offered_is_never_silently_plain(tmp_path: Path) -> None:
    with Catcher(tmp_path) as catcher, pytest.raises(DeliveryError, match="STARTTLS"):
        await send(catcher, security="starttls")
    with Catcher(tmp_path) as catcher, pytest.raises(DeliveryError, match="No suitable auth"):
        await send(catcher, username="digest", password="x")
    with Catcher(tmp_path) as catcher, pytest.raises(DeliveryError, match="cannot be used"):
        await send(catcher, security="tls")  # the server speaks plain at this port
    assert not list((tmp_path / "new").iterdir())


async def test_a_server_that_cannot_check_passwords_now_is_tried_again() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 busy\r\n")
        for answer in (b"250-busy\r\n250 AUTH PLAIN", b"454 4.7.0 later"):
            await reader.readuntil(b"\r\n")
            writer.write(answer + b"\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    server.port = server.sockets[0].getsockname()[1]  # type: ignore[attr-defined] # as the others have it
    async with server:
        (outcome,) = await send(server, username="digest", password="x")
    assert isinstance(outcome, Deferred)
    assert outcome.reply.code == 454


def test_certificates_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("not a certificate")
    for file in ("ca.pem", "none.pem"):
        with pytest.raises(ConfigError, match="cannot be read"):
            SMTPTransport("mail.example.org", security="tls", ca_file=tmp_path / file)


async def test_our_own_name_is_asked_for_once() -> None:
    async with SMTPTransport("mail.example.org") as transport:
        assert transport.local_hostname
    async with SMTPTransport("127.0.0.1") as transport:
        assert transport.local_hostname == "localhost"
    async with SMTPTransport("127.0.0.1", local_hostname="news.example.org") as transport:
        assert transport.local_hostname == "news.example.org"


async def test_closing_a_session_never_raises() -> None:
    async with Rogue() as server, SMTPTransport("127.0.0.1", server.port, timeouts=TIMEOUTS) as transport:
        unused = transport.session()
        await unused.close()
        session = transport.session()
        await session.send(envelope())
        await server.__aexit__(None, None, None)
        await session.close()
        await session.close()
