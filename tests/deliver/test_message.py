"""One copy as it goes on the wire, read back by the standard library's parser."""

from __future__ import annotations

import dataclasses
import email
import quopri
from datetime import UTC, datetime
from email.headerregistry import AddressHeader
from email.message import EmailMessage
from email.policy import SMTP, default

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.deliver.fields import mailbox
from digest.deliver.message import Letterhead, boundary, notice
from digest.errors import AddressError, InputError
from digest.model import Claim, Copy, EncodedCopy, Publication
from digest.quoted import quoted_printable
from tests.deliver.ledger import claim

PUBLICATION = Publication(
    title="Harbour News",
    url="https://news.example.org",
    sender="news@example.org",
    sender_name="Harbour News, Weekly",
    postal_address="1 Quay",
    feedback="editor@example.org",
)
COPY = Copy(
    subject="Week 29: cranes in 广东",
    text="Hello 读者.\n\n.hidden\nFrom here on\n" + "长句子" * 60 + "\n",
    html='<p style="color:#222">Hello 读者 = &amp; you</p>\n' + "x" * 200,
    language="zh-Hans",
    unsubscribe="https://news.example.org/u/abc.DEF_1-2?x=1&y=2",
)
DATE = datetime(2018, 7, 23, 8, 0, tzinfo=UTC)


def build(
    copy: Copy | EncodedCopy,
    *,
    publication: Publication = PUBLICATION,
    claim: Claim,
    list_id: str = "weekly.news.example.org",
    list_title: str = "Weekly, by sea",
    date: datetime = DATE,
    one_click: bool = True,
    unsubscribe_url: str = "",
    unsubscribe_mailto: str = "",
) -> bytes:
    head = Letterhead(publication, list_id=list_id, list_title=list_title, date=date, one_click=one_click)
    return head.message(copy, claim, unsubscribe_url=unsubscribe_url, unsubscribe_mailto=unsubscribe_mailto)


def built(copy: Copy = COPY, publication: Publication = PUBLICATION, address: str = "r@example.net", name: str = "Ann", **more: object) -> bytes:  # fmt: skip
    return build(copy, publication=publication, claim=claim(address, name=name), **more)  # type: ignore[arg-type] # a table of arguments


def parsed(content: bytes) -> EmailMessage:
    message = email.message_from_bytes(content, policy=SMTP)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    for name, value in message.items():
        assert not value.defects, (name, value.defects)
    return message


def part(message: EmailMessage, subtype: str) -> str:
    found = message.get_body((subtype,))
    assert found is not None
    return str(found.get_content())


def assert_fit_for_the_wire(content: bytes) -> None:
    assert content.isascii()
    assert content.endswith(b"\r\n")
    lines = content.removesuffix(b"\r\n").split(b"\r\n")
    for line in lines:
        assert b"\r" not in line
        assert b"\n" not in line
        assert b"\0" not in line
        assert not line.startswith((b".", b"From ")), line
        assert len(line) <= 998
    body = content.partition(b"\r\n\r\n")[2].split(b"\r\n")
    assert max(map(len, body)) <= 76


def test_the_whole_message() -> None:
    assert built(Copy(subject="Week 29", text="Text.", html="<p>Html</p>", unsubscribe="https://n.example/u/1")) == (
        b'From: "Harbour News, Weekly" <news@example.org>\r\n'
        b"To: Ann <r@example.net>\r\n"
        b"Subject: Week 29\r\n"
        b"Date: Mon, 23 Jul 2018 08:00:00 +0000\r\n"
        b"Message-ID: <edition.1@news.example.org>\r\n"
        b"Reply-To: editor@example.org\r\n"
        b'List-Id: "Weekly, by sea" <weekly.news.example.org>\r\n'
        b"List-Unsubscribe: <https://n.example/u/1>\r\n"
        b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
        b"List-Help: <mailto:editor@example.org?subject=help>\r\n"
        b"List-Owner: <mailto:editor@example.org>\r\n"
        b"List-Archive: <https://news.example.org>\r\n"
        b"Precedence: bulk\r\n"
        b"Content-Language: en\r\n"
        b"MIME-Version: 1.0\r\n"
        b"Content-Type: multipart/alternative;\r\n"
        b' boundary="=_42a5204bd775b147ec588274628f88f8"\r\n'
        b"\r\n"
        b"--=_42a5204bd775b147ec588274628f88f8\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n"
        b"\r\n"
        b"Text.\r\n"
        b"\r\n"
        b"--=_42a5204bd775b147ec588274628f88f8\r\n"
        b"Content-Type: text/html; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n"
        b"\r\n"
        b"<p>Html</p>\r\n"
        b"\r\n"
        b"--=_42a5204bd775b147ec588274628f88f8--\r\n"
    )


def test_the_same_copy_gives_the_same_bytes_and_another_reader_another_boundary() -> None:
    assert built() == built()
    assert boundary("<a@b>") != boundary("<c@b>")


def test_both_bodies_arrive_as_they_were_and_text_comes_first() -> None:
    content = built()
    assert_fit_for_the_wire(content)
    message = parsed(content)
    assert message.get_content_type() == "multipart/alternative"
    assert [p.get_content_type() for p in message.iter_parts()] == ["text/plain", "text/html"]
    assert part(message, "plain").replace("\r\n", "\n") == COPY.text
    assert part(message, "html").replace("\r\n", "\n") == COPY.html + "\n"
    assert message["Content-Language"] == "zh-Hans"


def test_headers_read_back() -> None:
    message = parsed(built(name="王小明"))
    assert message["Subject"] == "Week 29: cranes in 广东"
    to = message["To"]
    assert isinstance(to, AddressHeader)
    assert (to.addresses[0].display_name, to.addresses[0].addr_spec) == ("王小明", "r@example.net")
    assert message["From"].addresses[0].display_name == "Harbour News, Weekly"
    assert message["List-Unsubscribe"] == f"<{COPY.unsubscribe}>"
    assert message["Date"].datetime == DATE


def test_a_reader_without_a_name_and_a_feedback_address_that_is_the_sender() -> None:
    message = parsed(built(name="", publication=dataclasses.replace(PUBLICATION, feedback="", sender_name="")))
    assert message["To"] == "r@example.net"
    assert message["From"].addresses[0].display_name == "Harbour News"
    assert message["Reply-To"] is None
    assert message["List-Owner"] == "<mailto:news@example.org>"


def test_one_click_is_announced_only_beside_https() -> None:
    assert parsed(built())["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert parsed(built(one_click=False))["List-Unsubscribe-Post"] is None
    plain = parsed(built(unsubscribe_url="http://127.0.0.1:8000/u/1"))
    assert plain["List-Unsubscribe"] == "<http://127.0.0.1:8000/u/1>"
    assert plain["List-Unsubscribe-Post"] is None


def test_ways_to_unsubscribe() -> None:
    both = built(unsubscribe_mailto="mailto:leave+abc@example.org?subject=leave")
    assert b"1-2?x=1&y=2>,\r\n <mailto:leave+abc@example.org?subject=leave>\r\n" in both
    none = parsed(built(dataclasses.replace(COPY, unsubscribe="")))
    assert none["List-Unsubscribe"] is None
    assert none["List-Unsubscribe-Post"] is None
    only_mail = parsed(built(dataclasses.replace(COPY, unsubscribe=""), unsubscribe_mailto="mailto:leave@example.org"))
    assert only_mail["List-Unsubscribe"] == "<mailto:leave@example.org>"
    assert only_mail["List-Unsubscribe-Post"] is None


def test_a_long_unsubscribe_url_stays_one_piece() -> None:
    url = "https://news.example.org/u/" + "A1-_" * 60
    assert f"List-Unsubscribe: <{url}>\r\n".encode() in built(unsubscribe_url=url)


def test_a_long_address_stays_on_its_line() -> None:
    address = "a" * 64 + "@" + "b" * 40 + ".example.net"
    assert f"To: {address}\r\n".encode() in built(address=address, name="")
    assert f"To: Ann\r\n <{address}>\r\n".encode() in built(address=address)


ATTACKS = [
    "x\r\nBcc: y@example.com",
    "x\nBcc: y@example.com",
    "x\rBcc: y@example.com",
    "x\0\r\n\r\nbody",
    "x\u0085Bcc: y@example.com",
    "x\u2028Bcc: y@example.com",
    "x\u2029Bcc: y@example.com",
    "x\x0b\x0c\x1c\x1d\x1eBcc: y@example.com",
    '"x\r\nBcc: y"',
    "=?utf-8?q?x=0D=0ABcc:_y=40example.com?=",
    "x\ud800\r\nBcc: y",
]


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("place", ["name", "subject", "list_title", "sender_name"])
def test_text_from_outside_cannot_make_a_header(place: str, attack: str) -> None:
    publication = dataclasses.replace(PUBLICATION, sender_name=attack) if place == "sender_name" else PUBLICATION
    copy = dataclasses.replace(COPY, subject=attack) if place == "subject" else COPY
    more = {place: attack} if place in ("name", "list_title") else {}
    content = built(copy, publication, **more)
    assert_fit_for_the_wire(content)
    message = parsed(content)
    assert message["Bcc"] is None
    assert list(message.keys()) == list(parsed(built()).keys())
    assert b"\nBcc" not in content
    assert part(message, "plain").startswith("Hello")


@pytest.mark.parametrize("attack", [*ATTACKS, "", "a b", "a@b@c"])
def test_what_has_a_form_is_refused_without_it(attack: str) -> None:
    with pytest.raises(AddressError):
        built(address=attack)
    with pytest.raises(AddressError):
        built(publication=dataclasses.replace(PUBLICATION, sender=attack))
    if attack:
        with pytest.raises(AddressError):
            built(publication=dataclasses.replace(PUBLICATION, feedback=attack))
        with pytest.raises(InputError):
            built(unsubscribe_url=f"https://news.example.org/{attack}>")
        with pytest.raises(InputError):
            built(unsubscribe_mailto=f"mailto:{attack}>")
    with pytest.raises(InputError, match="List-Id"):
        built(list_id=f"{attack} ")


def test_other_forms() -> None:
    with pytest.raises(InputError, match="Message-ID"):
        build(
            COPY,
            publication=PUBLICATION,
            claim=claim("r@example.net")._replace(message_id="<a@b>\r\nBcc: y"),
            list_id="a.b",
            list_title="",
        )
    with pytest.raises(InputError, match="time zone"):
        built(date=DATE.replace(tzinfo=None))
    assert parsed(built(dataclasses.replace(COPY, language="en\r\nBcc: y")))["Content-Language"] is None
    odd_url = parsed(built(publication=dataclasses.replace(PUBLICATION, url="ftp://x/ y")))
    assert odd_url["List-Archive"] is None
    assert parsed(built(list_title=""))["List-Id"] == "<weekly.news.example.org>"


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("Ann.Lee+news@Example.org", "Ann.Lee+news@Example.org"),
        ("o'neil@example.org", "o'neil@example.org"),
        ("root@localhost", "root@localhost"),
        ("ann@bücher.example", "ann@xn--bcher-kva.example"),
        ("ann@faß.example", "ann@xn--fa-hia.example"),  # IDNA 2008; the older codec would write to fass.example
        ("ann@例子.example", "ann@xn--fsqu00a.example"),
    ],
)
def test_a_mailbox_has_one_form_on_the_wire(address: str, written: str) -> None:
    assert mailbox(address) == written


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ann",
        "@example.org",
        "ann@",
        "ann@example.org, bob@example.org",
        "ann@example.org>\r\nRCPT TO:<bob@example.org",
        "Ann <ann@example.org>",
        "alice@example.org)bob@x",
        '"a b"@example.org',
        "ann@[127.0.0.1]",
        ".ann@example.org",
        "ann..lee@example.org",
        "ann@-example.org",
        "ann@example..org",
        "王@example.org",
        "ann@exa\u2028mple.org",
        "a" * 65 + "@example.org",
        "ann@" + "a" * 64 + ".org",
        "ann@" + ".".join(["abcdefgh"] * 29),
        "ann@example.org\n",
        " ann@example.org",
        "ann@example.org\0",
    ],
)
def test_what_is_no_mailbox_is_refused(address: str) -> None:
    with pytest.raises(AddressError, match="remove it"):
        mailbox(address)


LINES = st.text(st.sampled_from(list(".From =\t\r\nab é广\u2028\u0085\x00")), max_size=120)


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(st.characters(exclude_categories=["Cs"]), max_size=400), LINES))
def test_any_text_survives_quoted_printable(text: str) -> None:
    encoded = quoted_printable(text)
    assert_fit_for_the_wire(b"\r\n" + encoded)
    plain = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")
    plain = "".join(c for c in plain if c in "\t\n" or not (ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0))
    assert quopri.decodestring(encoded).decode().replace("\r\n", "\n").rstrip("\n") == plain.rstrip("\n")


def test_many_leading_dots_are_all_encoded() -> None:
    encoded = quoted_printable("." * 300 + "\n" + "From " * 60)
    assert_fit_for_the_wire(b"\r\n" + encoded)
    assert quopri.decodestring(encoded) == b"." * 300 + b"\r\n" + b"From " * 60 + b"\r\n"


def test_a_lone_surrogate_in_a_body_is_an_error_for_this_copy() -> None:
    with pytest.raises(UnicodeEncodeError):
        built(dataclasses.replace(COPY, text="\ud800"))


def test_bodies_that_are_encoded_already_are_joined_as_they_are() -> None:
    pieces = (
        quoted_printable("Hello 读者.\n"),
        b"https://news.example.org/u/",
        b"=\r\n",
        b"abc\r\n",
        quoted_printable("."),
    )
    encoded = EncodedCopy(subject=COPY.subject, text=pieces, html=(quoted_printable(COPY.html),), language="zh-Hans", unsubscribe=COPY.unsubscribe)  # fmt: skip
    content = build(encoded, claim=claim("r@example.net", name="Ann"))
    assert_fit_for_the_wire(content)
    message = parsed(content)
    assert part(message, "plain") == "Hello 读者.\r\nhttps://news.example.org/u/abc\r\n.\r\n"
    same = dataclasses.replace(COPY, text="Hello 读者.\nhttps://news.example.org/u/abc\n.")
    assert content.replace(b"u/=\r\nabc", b"u/abc") == built(same)


NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


@settings(max_examples=150, deadline=None)
@given(name=NAMES, subject=NAMES)
def test_any_name_and_subject_read_back_as_one_line(name: str, subject: str) -> None:
    def line(text: str) -> str:
        import unicodedata  # noqa: PLC0415 - used in this oracle alone

        return " ".join("".join(c for c in text if c.isspace() or unicodedata.category(c) != "Cc").split())

    content = built(dataclasses.replace(COPY, subject=subject), name=name)
    assert_fit_for_the_wire(content)
    head = content.partition(b"\r\n\r\n")[0].split(b"\r\n")
    message = email.message_from_bytes(content, policy=default)
    # The old decoder, since the new one of this Python joins some encoded words wrongly.
    old = email.message_from_bytes(content)
    decoded = "".join(
        chunk.decode(charset or "ascii") if isinstance(chunk, bytes) else chunk
        for chunk, charset in email.header.decode_header(old["Subject"].replace("\r\n", ""))
    )
    assert decoded == line(subject)
    assert len(message["To"].addresses) == 1
    assert message["To"].addresses[0].addr_spec == "r@example.net"
    assert max(map(len, head)) <= 200 + len("Subject: ")


@pytest.mark.parametrize(
    "subject",
    [
        "A long subject of many plain words that goes on and on until it has to be folded somewhere between two words",
        "w" * 300,
        "本周要闻：" + "广东与以色列的创新合作" * 12,
        "Mixed 广东 and plain words, with a comma; and more " * 4,
        "[" + "x" * 199 + " y",
    ],
)
def test_long_subjects_fold_and_unfold(subject: str) -> None:
    content = built(dataclasses.replace(COPY, subject=subject))
    assert_fit_for_the_wire(content)
    old = email.message_from_bytes(content)
    decoded = "".join(
        chunk.decode(charset or "ascii") if isinstance(chunk, bytes) else chunk
        for chunk, charset in email.header.decode_header(old["Subject"].replace("\r\n", ""))
    )
    assert decoded == subject.strip()
    if len(max(subject.split(), key=len)) < 60 or not subject.isascii():
        assert max(map(len, content.partition(b"\r\n\r\n")[0].split(b"\r\n"))) <= 76


def test_a_notice_is_no_list_mail() -> None:
    copy = dataclasses.replace(COPY, unsubscribe="")
    content = notice(copy, publication=PUBLICATION, claim=claim("r@example.net", name="Ann"), date=DATE)
    message = parsed(content)
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["To"] == "Ann <r@example.net>"
    assert message["Content-Language"] == "zh-Hans"
    assert not [name for name in message if name.startswith("List-") or name == "Precedence"]
    assert part(message, "plain").startswith("Hello")
    assert notice(copy, publication=PUBLICATION, claim=claim("r@example.net", name="Ann"), date=DATE) == content


def test_a_notice_about_a_subscription_can_end_it_in_one_click() -> None:
    message = parsed(notice(COPY, publication=PUBLICATION, claim=claim("r@example.net"), date=DATE))
    assert message["List-Unsubscribe"] == f"<{COPY.unsubscribe}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    with pytest.raises(InputError):
        notice(COPY, publication=PUBLICATION, claim=claim("r@example.net"), date=DATE.replace(tzinfo=None))
