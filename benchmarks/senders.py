"""The clients that are measured, each in a process of its own: `python -m benchmarks.senders NAME HOST PORT N [k=v...]`.

digest        the campaign with its ledger on SQLite (synchronous=FULL), every copy personal
aiosmtplib    reused connections, as it comes          smtplib   reused connections, in threads
script        jinja2 + premailer + EmailMessage per recipient, one connection
careful       the same, inlined once, EmailMessage per recipient
django        EmailMultiAlternatives, one connection, inlined once
"""

from __future__ import annotations

import asyncio
import json
import resource
import smtplib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from digest.deliver.ledger import Ledger
    from digest.model import Claim

SIZE = 60_000
SESSIONS = 10
LINE = b'<td style=3D"font:14px Georgia">The harbour opened on Monday, and ships=\r\n'


def fragments() -> list[bytes]:
    """A report as issue 4 will have it: static pieces, encoded once, with a personal field between any two."""
    piece = LINE * (SIZE // len(LINE) // 22)
    return [piece] * 22


def measured(work: Callable[[], None], messages: int) -> None:
    start, cpu = time.perf_counter(), time.process_time()
    work()
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "cpu": cpu, "messages": messages, "rss": rss}))


def digest(host: str, port: int, messages: int, options: dict[str, str]) -> None:
    from digest.deliver.campaign import run
    from digest.deliver.loop import run_in_loop
    from digest.deliver.smtp import SMTPTransport
    from digest.deliver.transport import Envelope

    parts = fragments()

    def make(claim: Claim) -> Envelope:
        token = b"%d.%s" % (claim.subscription, claim.message_id[1:21].encode())
        head = (
            f"From: Weekly <weekly@example.org>\r\nTo: {claim.address}\r\nSubject: Weekly Report\r\n"
            f"Message-ID: {claim.message_id}\r\nDate: Mon, 23 Jul 2018 08:00:00 +0800\r\n\r\n"
        ).encode()
        link = b"https://news.example.org/u/" + token + b"\r\n"
        return Envelope(
            sender="weekly@example.org", recipient=claim.address, content=head + link.join(parts), canonical=True
        )

    transport = SMTPTransport(
        host,
        port,
        sessions=int(options.get("sessions", SESSIONS)),
        chunking=options.get("chunking") == "yes",
        local_hostname="localhost",
        sign=_signer() if options.get("sign") == "rsa" else None,
    )
    runner: Callable[..., object] = asyncio.run if options.get("loop") == "asyncio" else run_in_loop
    place = options.get("folder") or None
    with tempfile.TemporaryDirectory(dir=place) as folder, _ledger(Path(folder), messages, options) as ledger:

        def work() -> None:
            report = runner(run(ledger, transport, make, clock=lambda: datetime.now(UTC)))
            assert report.accepted == messages, report  # type: ignore[attr-defined] # what run returns

        measured(work, messages)


def _signer() -> Callable[[bytes], bytes]:
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    from digest.deliver.dkim import Signer

    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return Signer("example.org", "s", pem).sign


@contextmanager
def _ledger(folder: Path, messages: int, options: dict[str, str]) -> Iterator[Ledger]:
    """The store's ledger with that many readers; or one that forgets, to see what the ledger costs."""
    if options.get("ledger") == "none":
        yield _Forgetful(messages)
        return
    from zoneinfo import ZoneInfo

    from digest.model import Consent, Edition, Period
    from digest.store import Store, Wanted

    at = datetime(2018, 7, 23, 8, tzinfo=UTC)
    with Store.open(options.get("store") or f"sqlite:///{folder / 'digest.sqlite3'}") as store:
        store.migrate(site="benchmark", now=at)
        consent = Consent(at=at, basis="benchmark")
        for start in range(0, messages, 5000):
            store.subscribers.put(
                [
                    Wanted(address=f"reader{n}@example.net", name="Reader", digest="weekly", consent=consent)
                    for n in range(start, min(start + 5000, messages))
                ],
                at,
            )
        period = Period.week("2018-W29", ZoneInfo("UTC"))
        edition = Edition(id="weekly-2018-W29", digest="weekly", title="W", period=period, number=1, sections=())
        revision = store.editions.prepare(edition, {}, at).revision
        store.editions.approve(edition.id, revision.hash, "benchmark", at)
        store.campaigns.start(edition.id, lambda n: f"<{n:020d}@example.org>", at)
        yield store.campaigns.ledger(edition.id)


class _Forgetful:
    """A ledger that keeps nothing."""

    def __init__(self, messages: int) -> None:
        self._left = iter(range(1, messages + 1))

    def exchange(
        self,
        records: object,  # noqa: ARG002 - of the protocol
        wanted: int,
        now: datetime,  # noqa: ARG002 - of the protocol
        leaving: object = (),  # noqa: ARG002 - of the protocol
    ) -> list[Claim]:
        from digest.model import Claim, Preferences

        numbers = [n for _, n in zip(range(wanted), self._left, strict=False)]
        return [
            Claim(
                delivery=n,
                edition="weekly-2018-W29",
                subscription=n,
                address=f"reader{n}@example.net",
                name="Reader",
                preferences=Preferences(),
                attempts=1,
                message_id=f"<{n:020d}@example.org>",
            )
            for n in numbers
        ]

    def next_due(self) -> None:
        return None

    def recover(self, now: datetime, *, resend: bool) -> int:  # noqa: ARG002 - of the protocol
        return 0


def body() -> bytes:
    return b"From: w@example.org\r\nTo: r@example.net\r\nSubject: W\r\n\r\n" + b"x\r\n".join(fragments())


def aiosmtplib(host: str, port: int, messages: int, options: dict[str, str]) -> None:
    import aiosmtplib as library

    content, sessions = body(), int(options.get("sessions", SESSIONS))

    async def session(share: int) -> None:
        client = library.SMTP(hostname=host, port=port, start_tls=False, local_hostname="localhost")
        async with client:
            for n in range(share):
                await client.sendmail("w@example.org", [f"reader{n}@example.net"], content)

    async def work() -> None:
        await asyncio.gather(*(session(messages // sessions) for _ in range(sessions)))

    measured(lambda: asyncio.run(work()), messages // sessions * sessions)


def smtplib_threads(host: str, port: int, messages: int, options: dict[str, str]) -> None:
    content, sessions = body(), int(options.get("sessions", SESSIONS))

    def session(share: int) -> None:
        with smtplib.SMTP(host, port, local_hostname="localhost") as client:
            for n in range(share):
                client.sendmail("w@example.org", [f"reader{n}@example.net"], content)

    def work() -> None:
        with ThreadPoolExecutor(sessions) as threads:
            list(threads.map(session, [messages // sessions] * sessions))

    measured(work, messages // sessions * sessions)


STORY = """<tr><td style="padding:4px"><h3 class="t">{{ n }} {{ name }}: the harbour opened on Monday</h3>
<p class="s">Ships came at once, said the port authority, and more are expected before the end of the month of July. Cargo
rose by a tenth against the year before; cranes stood ready. <a class="a" href="https://news.example.org/s/{{ n }}?r={{ name }}">Read
more</a> about it, or about what else happened this week in Guangdong, in Haifa and in Rotterdam.</p></td></tr>"""
PAGE = (
    "<html><head><style>.t{font:bold 16px Georgia;color:#123;margin:0}.s{font:14px/1.4 Georgia;color:#333;margin:0 0 8px}"
    ".a{color:#06c}td{border-bottom:1px solid #ddd}h1{font-size:22px}</style></head><body><table>"
    "{% for n in range(40) %}" + STORY + "{% endfor %}</table></body></html>"
)


def script(host: str, port: int, messages: int, _options: dict[str, str]) -> None:
    import jinja2
    from premailer import transform

    template = jinja2.Environment(autoescape=True).from_string(PAGE)

    def work() -> None:
        with smtplib.SMTP(host, port, local_hostname="localhost") as client:
            for n in range(messages):
                html = transform(template.render(name=f"Reader {n}"))
                message = EmailMessage()
                message["From"], message["To"], message["Subject"] = "w@example.org", f"reader{n}@example.net", "Weekly"
                message.set_content("The harbour opened on Monday.\n" * 250)
                message.add_alternative(html, subtype="html")
                client.send_message(message)

    measured(work, messages)


def careful(host: str, port: int, messages: int, _options: dict[str, str]) -> None:
    import jinja2
    from premailer import transform

    page = transform(jinja2.Environment(autoescape=True).from_string(PAGE).render(name="READER"))

    def work() -> None:
        with smtplib.SMTP(host, port, local_hostname="localhost") as client:
            for n in range(messages):
                message = EmailMessage()
                message["From"], message["To"], message["Subject"] = "w@example.org", f"reader{n}@example.net", "Weekly"
                message.set_content("The harbour opened on Monday.\n" * 250)
                message.add_alternative(page.replace("READER", f"Reader {n}"), subtype="html")
                client.send_message(message)

    measured(work, messages)


def django(host: str, port: int, messages: int, _options: dict[str, str]) -> None:
    import jinja2
    from django.conf import settings
    from django.core.mail import EmailMultiAlternatives, get_connection
    from premailer import transform

    settings.configure(EMAIL_HOST=host, EMAIL_PORT=port)
    page = transform(jinja2.Environment(autoescape=True).from_string(PAGE).render(name="READER"))

    def work() -> None:
        with get_connection() as connection:
            for start in range(0, messages, 100):
                batch = []
                for n in range(start, min(start + 100, messages)):
                    one = EmailMultiAlternatives(
                        "Weekly", "The harbour opened on Monday.\n" * 250, "w@example.org", [f"reader{n}@example.net"]
                    )
                    one.attach_alternative(page.replace("READER", f"Reader {n}"), "text/html")
                    batch.append(one)
                connection.send_messages(batch)

    measured(work, messages)


CLIENTS = {
    "digest": digest,
    "aiosmtplib": aiosmtplib,
    "smtplib": smtplib_threads,
    "script": script,
    "careful": careful,
    "django": django,
}

if __name__ == "__main__":
    _, client, where, number, count, *given = sys.argv
    CLIENTS[client](where, int(number), int(count), dict(pair.split("=", 1) for pair in given))
