"""What is delivered, as outsiders read it: the RFCs' rules, three DKIM verifiers, and a real Postfix on the way."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import textwrap
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.headerregistry import Address, AddressHeader
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from pathlib import Path
from tempfile import TemporaryDirectory

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from digest.deliver.campaign import run
from digest.deliver.dkim import Signer
from digest.deliver.message import Letterhead
from digest.deliver.smtp import SMTPTransport
from digest.deliver.transport import Envelope
from digest.model import Claim, Copy, Publication
from tests.deliver.ledger import TestLedger
from tests.deliver.server import Rogue

PUBLICATION = Publication(
    title="Harbour News",
    url="https://news.example.org",
    sender="weekly@news.example.org",
    sender_name="Harbour News 港口",
    postal_address="1 Quay",
    feedback="editor@news.example.org",
)
COPY = Copy(
    subject="Week 29: cranes stand ready in 广东, and ships came at once to Haifa",
    text="Hello 读者.\n\n.hidden\nFrom here on the harbour is open.\n" * 30,
    html='<p style="color:#222">Hello 读者 = &amp; you</p>\n.\n' * 100,
    language="zh-Hans",
    unsubscribe="https://news.example.org/u/abc.DEF_1-2",
)
KEYS = {
    "rsa": rsa.generate_private_key(65537, 2048).private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
    ),
    "ed25519": ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
}
HEAD = Letterhead(
    PUBLICATION, list_id="weekly.news.example.org", list_title="周报", date=datetime(2018, 7, 23, 8, tzinfo=UTC)
)


def signer(kind: str) -> Signer:
    return Signer("news.example.org", "weekly", KEYS[kind])


def make(claim: Claim) -> Envelope:
    mailto = "mailto:leave@news.example.org?subject=leave%20abc"
    content = HEAD.message(COPY, claim, unsubscribe_mailto=mailto)
    return Envelope(sender="bounce+k1@news.example.org", recipient=claim.address, content=content, canonical=True)


async def campaign(port: int, tmp_path: Path, readers: int, kind: str = "rsa") -> None:
    ledger = TestLedger(tmp_path / "ledger.sqlite3")
    ledger.fill(f"reader{n}@example.net" for n in range(readers))
    transport = SMTPTransport("127.0.0.1", port, sessions=3, sign=signer(kind).sign)
    report = await run(ledger, transport, make, clock=lambda: datetime.now(UTC))
    assert (report.accepted, report.complete) == (readers, True)


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """One mail of each kind of key, as a server got it."""

    async def send(kind: str) -> bytes:
        async with Rogue(pipelining=True) as server:
            await campaign(server.port, tmp_path_factory.mktemp(kind), 1, kind)
        return server.kept[0].content

    return {kind: asyncio.run(send(kind)) for kind in KEYS}


def test_a_delivered_mail_obeys_every_rule(delivered: dict[str, bytes]) -> None:
    content = delivered["rsa"]
    # RFC 5322, 2.1 and 2.2: US-ASCII, CRLF, lines of at most 998, header fields printable and well folded.
    assert content.isascii()
    assert b"\0" not in content
    assert content.count(b"\r") == content.count(b"\n") == content.count(b"\r\n")
    assert max(map(len, content.split(b"\r\n"))) <= 998
    head, _, body = content.partition(b"\r\n\r\n")
    for line in re.sub(rb"\r\n[ \t]", b" ", head).split(b"\r\n"):
        assert re.fullmatch(rb"[!-9;-~]+: ?[\t -~]*", line), line
    message = message_from_bytes(content, policy=SMTP_POLICY)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    counts = Counter(name.lower() for name in message.keys())  # noqa: SIM118 - a message iterates otherwise
    # RFC 5322, 3.6: exactly one Date and From, at most one of the others.
    for once in ("date", "from", "to", "subject", "message-id", "reply-to", "mime-version", "content-type"):
        assert counts[once] == 1, once
    assert re.fullmatch(r"<[^<>@\s]+@[^<>@\s]+>", message["Message-ID"])
    assert isinstance(message["From"], AddressHeader)
    assert message["From"].addresses == (Address("Harbour News 港口", addr_spec="weekly@news.example.org"),)
    # RFC 2919: a list identifier in angle brackets, last in the field.
    assert message["List-Id"].endswith("<weekly.news.example.org>")
    assert counts["list-id"] == 1
    # RFC 2369: URLs in angle brackets, separated by commas; one field each.
    ways = re.findall(r"<([^<>\s]+)>", message["List-Unsubscribe"])
    assert [way.partition(":")[0] for way in ways] == ["https", "mailto"]
    assert re.fullmatch(r"<[^<>\s]+>(, ?<[^<>\s]+>)*", re.sub(r"\s+", " ", message["List-Unsubscribe"]))
    for field in ("list-unsubscribe", "list-help", "list-owner", "list-archive"):
        assert counts[field] == 1, field
    # RFC 8058: one https URL, this very value, and both fields covered by a DKIM signature of an aligned domain.
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    signature = re.sub(r"\s+", "", str(message["DKIM-Signature"]))
    covered = re.search(r";h=([^;]+);", signature)
    assert covered is not None
    names = Counter(covered[1].split(":"))
    for field in ("from", "list-unsubscribe", "list-unsubscribe-post", "subject", "date", "to", "message-id"):
        assert names[field] == 2, field  # once as it stands, once that none can be added
    assert ";d=news.example.org;" in signature
    # RFC 2045 and 2046: both bodies as quoted-printable, no line over 76, text before HTML.
    assert max(map(len, body.split(b"\r\n"))) <= 76
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    # RFC 5321, 4.5.2: nothing to be stuffed, nothing that a mailbox file would quote.
    assert not re.search(rb"^(?:\.|From )", body, re.MULTILINE)


def dns_of(kind: str) -> tuple[str, str]:
    return signer(kind).record


MAIL_DKIM = r"""
use strict; use warnings; use Mail::DKIM::Verifier; use Mail::DKIM::PublicKey;
no warnings 'redefine';
*Mail::DKIM::PublicKey::fetch_async = sub {
    my ($class, %given) = @_;
    my $done = $given{Callbacks}{Success} || sub { $_[0] };
    return sub { $done->(Mail::DKIM::PublicKey->parse($ENV{RECORD})) };
};
my $verifier = Mail::DKIM::Verifier->new;
while (<STDIN>) { s/\r?\n\z//; $verifier->PRINT("$_\015\012"); }
$verifier->CLOSE;
print $verifier->result_detail;
"""


@pytest.mark.heavy
@pytest.mark.parametrize(
    "kind", ["rsa"]
)  # Debian's Mail::DKIM and OpenDKIM know no Ed25519; dkimpy does (tests/deliver)
def test_three_verifiers_find_the_signature_good_and_a_change_bad(
    delivered: dict[str, bytes], kind: str, tmp_path: Path
) -> None:
    name, record = dns_of(kind)
    good, bad = delivered[kind], delivered[kind].replace(b"harbour", b"Harbour", 1)

    def dkimpy(mail: bytes) -> bool:
        return bool(dkim.verify(mail, dnsfunc=lambda _name, timeout=5: record.encode()))

    def mail_dkim(mail: bytes) -> bool:
        done = subprocess.run(
            ["perl", "-e", MAIL_DKIM],
            input=mail,
            env={**os.environ, "RECORD": record},
            stdout=subprocess.PIPE,
            check=True,
        )
        return done.stdout == b"pass"

    def opendkim(mail: bytes) -> bool:
        (tmp_path / "keys").write_text(f"{name} {record}\n")
        (tmp_path / "conf").write_text(f"Mode v\nTestDNSData file:{tmp_path / 'keys'}\nSyslog no\n")
        (tmp_path / "mail").write_bytes(mail.replace(b"\r\n", b"\n"))
        done = subprocess.run(
            ["opendkim", "-x", tmp_path / "conf", "-t", tmp_path / "mail", "-vv"],
            capture_output=True,
            text=True,
            check=False,
        )
        said = done.stdout + done.stderr
        assert "verification" in said, said
        return "verification (s=weekly, d=news.example.org" in said and "succeeded" in said

    verifiers = {"dkimpy": dkimpy}
    if (
        shutil.which("perl")
        and not subprocess.run(["perl", "-MMail::DKIM", "-e", "1"], capture_output=True, check=False).returncode
    ):
        verifiers["Mail::DKIM"] = mail_dkim
    if shutil.which("opendkim"):
        verifiers["OpenDKIM"] = opendkim
    if len(verifiers) < 3:
        pytest.skip(f"only {', '.join(verifiers)} here")
    assert {verifier: (check(good), check(bad)) for verifier, check in verifiers.items()} == dict.fromkeys(
        verifiers, (True, False)
    )


@contextmanager
def postfix(folder: Path, port: int, onto: int) -> Iterator[None]:
    """A Postfix of its own, on the loopback alone, that passes what it takes on to a port."""
    folder.chmod(0o755)
    config, queue, data = folder / "etc", folder / "queue", folder / "data"
    for place in (config, queue, data):
        place.mkdir()
    shutil.chown(data, "postfix")
    (config / "main.cf").write_text(
        textwrap.dedent(f"""\
        compatibility_level = 3.6
        queue_directory = {queue}
        data_directory = {data}
        command_directory = /usr/sbin
        daemon_directory = /usr/lib/postfix/sbin
        mail_owner = postfix
        setgid_group = postdrop
        inet_interfaces = 127.0.0.1
        inet_protocols = ipv4
        myhostname = relay.example.org
        mydestination =
        mynetworks = 127.0.0.0/8
        relayhost = [127.0.0.1]:{onto}
        smtp_host_lookup = native
        smtpd_relay_restrictions = permit_mynetworks, reject
        maillog_file = {folder}/maillog
        maillog_file_prefixes = {folder}
        alias_maps =
        multi_instance_enable = yes
        """)
    )
    services = """\
        127.0.0.1:{port} inet n - n - - smtpd
        pickup unix n - n 60 1 pickup
        cleanup unix n - n - 0 cleanup
        qmgr unix n - n 300 1 qmgr
        rewrite unix - - n - - trivial-rewrite
        bounce unix - - n - 0 bounce
        defer unix - - n - 0 bounce
        trace unix - - n - 0 bounce
        smtp unix - - n - - smtp
        relay unix - - n - - smtp
        error unix - - n - - error
        retry unix - - n - - error
        anvil unix - - n - 1 anvil
        scache unix - - n - 1 scache
        proxymap unix - - n - - proxymap
        tlsmgr unix - - n 1000? 1 tlsmgr
        postlog unix-dgram n - n - 1 postlogd
        """
    (config / "master.cf").write_text(textwrap.dedent(services).format(port=port))
    command = ["postfix", "-c", str(config)]
    subprocess.run([*command, "start"], check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run([*command, "stop"], check=False, capture_output=True)


@pytest.mark.heavy
@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("postfix"), reason="needs root and Postfix")
async def test_a_real_postfix_takes_a_campaign_and_changes_nothing_that_is_signed(
    tmp_path: Path, unused_tcp_port: int
) -> None:
    readers = 60
    # Not below pytest's own folder, into which the user postfix may not look.
    async with Rogue(pipelining=True) as behind:
        with TemporaryDirectory() as name, postfix(folder := Path(name), unused_tcp_port, behind.port):
            await asyncio.sleep(1)
            await campaign(unused_tcp_port, tmp_path, readers)
            until = datetime.now(UTC) + timedelta(seconds=60)
            while len(behind.kept) < readers and datetime.now(UTC) < until:  # noqa: ASYNC110 - Postfix sets no event
                await asyncio.sleep(0.1)
            log = (folder / "maillog").read_text()
    assert Counter(kept.recipient for kept in behind.kept) == Counter(f"reader{n}@example.net" for n in range(readers))
    assert "warning" not in log
    assert "fatal" not in log
    record = dns_of("rsa")[1].encode()
    for kept in behind.kept[:10]:
        assert kept.sender == "bounce+k1@news.example.org"
        assert dkim.verify(kept.content, dnsfunc=lambda _name, timeout=5: record)
