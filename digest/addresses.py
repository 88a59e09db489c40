"""Which addresses a request may go to: the form of a URL, the nets that are not the public internet, and exceptions.

Pure: looks nothing up and connects to nothing; `digest.fetch` does, and asks here before each step.

    check(url)               its form: scheme, port, host; no notation that two programs could read differently
    check_address(target, a) what a host's name led to, once for every address of it

Names are resolved by `fetch`, which connects to the very address that was checked. An operator may name exceptions
(`[fetch] allow`); those hold for what the operator asks for, never for where a public page leads.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import quote, urlsplit

import idna

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PORTS: Final = frozenset({80, 443, 8080, 8443})
MAX_URL: Final = 4000  # characters
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}

# IANA's special-purpose registries (RFC 6890 and later entries), the multicast and reserved ranges, ranges that carry
# an IPv4 address inside, and addresses at which clouds serve secrets to their machines. `is_global` alone lets ten of
# the known tricks through (Python 3.11); both are asked.
FORBIDDEN: Final[tuple[Network, ...]] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared between a carrier and its customers
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # Azure's wire server
        "169.254.0.0/16",  # link-local; metadata of most clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
        "::/96",  # unspecified, loopback, IPv4-compatible
        "::ffff:0:0/96",  # IPv4-mapped
        "::ffff:0:0:0/96",  # IPv4-translated
        "64:ff9b::/96",  # NAT64
        "64:ff9b:1::/48",  # NAT64, local use
        "100::/64",  # discard
        "2001::/23",  # protocol assignments, Teredo, benchmarks, ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
        "5f00::/16",  # segment routing
        "fc00::/7",  # unique local
        "fe80::/10",  # link-local
        "fec0::/10",  # site-local
        "ff00::/8",  # multicast
    )
)
_UNICAST_6: Final = ipaddress.ip_network("2000::/3")  # all that IANA has given out for the internet

# Names that are answered on this machine or in this building (RFC 6761, 6762, 7686, 8375; ICANN's .internal).
_INSIDE_NAMES: Final = (
    "localhost", "local", "internal", "arpa", "onion", "localdomain", "corp", "home", "lan", "intranet", "private",
    "alt", "i2p", "consul", "svc", "invalid",
)  # fmt: skip
_ISATAP: Final = frozenset({0x00005EFE, 0x02005EFE})  # before an IPv4 address, in any net (RFC 5214, 6.1)

_V4: Final = re.compile(r"(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)", re.ASCII)
_NUMBER: Final = re.compile(r"(?:\d+|0x[0-9a-f]*)", re.ASCII | re.IGNORECASE)
_NAME: Final = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
)
_UNSAFE: Final = re.compile(r"[\x00-\x20\x7f-\xa0\\\s\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
_PORT: Final = re.compile(r"[1-9][0-9]{0,4}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where a URL leads, in one spelling. `address` is set when the host is written as one."""

    scheme: str
    host: str  # ASCII, lower case, without brackets
    port: int
    rest: str  # path and query, percent-encoded
    address: Address | None = None

    @property
    def url(self) -> str:
        """The URL again, without fragment."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.rest}"


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A URL or address that must not be asked, and why, as a sentence for the operator."""

    what: str


@dataclass(frozen=True, kw_only=True)
class Exemption:
    """One entry of the operator's list: a name or a net, at one port or at all."""

    name: str = ""
    network: Network | None = None
    port: int | None = None  # None: every port

    @classmethod
    def read(cls, text: str) -> Self:
        """Read "intranet.example", "10.1.0.0/16", "127.0.0.1:8000", "[fd00::1]:8080" or "fd00::/8".

        Raises:
            ValueError: it is none of these; the message says what is wrong.
        """
        rest, port = text.strip().lower(), None
        if match := re.fullmatch(r"(\[[0-9a-f:.]+\]|[^:\[\]]+):(\d{1,5}|\*)", rest):
            rest = match[1]
            port = None if match[2] == "*" else int(match[2])
            if port is not None and not 0 < port < 65536:
                raise ValueError(f"port {port} does not exist")
        rest = rest[1:-1] if rest.startswith("[") and rest.endswith("]") else rest
        try:
            return cls(network=ipaddress.ip_network(rest), port=port)
        except ValueError:
            if "/" in rest or ":" in rest or not _NAME.fullmatch(rest) or _NUMBER.fullmatch(rest.rpartition(".")[2]):
                raise ValueError("no host name, address or net") from None
        return cls(name=rest, port=port)

    def covers(self, target: Target, address: Address | None) -> bool:
        """Whether it names this host: by its name, or, where the URL itself is an address, by the net.

        A net says nothing about names: anyone can make their own name lead into it.
        """
        if self.port not in {None, target.port}:
            return False
        if self.network is None:
            return self.name == target.host
        literal = target.address
        return literal is not None and literal in self.network and address in {None, literal}


class Guard:
    """The rules, with the operator's exceptions.

    Args:
        allow: entries as `Exemption.read` takes them.

    Raises:
        ValueError: an entry cannot be read.
    """

    def __init__(self, allow: Iterable[str] = ()) -> None:
        self._allow = tuple(Exemption.read(text) for text in allow)

    def check(self, url: str, *, inside: bool = True) -> Target | Refused:
        """Whether a URL has a form that may be asked; a name is not resolved here.

        Args:
            url: as given.
            inside: whether the operator's exceptions count. They do for what the operator asks for, and not for where
                a page of the public internet leads.
        """
        target = read(url)
        if isinstance(target, Refused) or (inside and self.excepts(target)):
            return target
        if target.port not in PORTS:
            return Refused(what=f"port {target.port} is not one of {', '.join(map(str, sorted(PORTS)))}")
        if target.address is not None:
            reason = forbidden(target.address)
            return Refused(what=reason) if reason else target
        if "." not in target.host or target.host.endswith(tuple(f".{name}" for name in _INSIDE_NAMES)):
            return Refused(what=f"'{target.host}' is not a name of the public internet")
        return target

    def check_address(self, target: Target, address: Address, *, inside: bool = True) -> Refused | None:
        """Whether a host may be reached at an address that its name led to; None when it may."""
        if inside and any(entry.covers(target, address) for entry in self._allow):
            return None
        reason = forbidden(address)
        if not reason:
            return None
        return Refused(what=reason if target.address else f"'{target.host}' leads to {reason}")

    def excepts(self, target: Target) -> bool:
        """Whether the operator named this host as an exception."""
        return any(entry.covers(target, target.address) for entry in self._allow)


def forbidden(address: Address) -> str:
    """Why an address is not one of the public internet; empty when it is one."""
    for network in FORBIDDEN:
        if address.version == network.version and address in network:
            return f"{address}, which is in {network}: not the public internet"
    if isinstance(address, ipaddress.IPv6Address) and (address not in _UNICAST_6 or address.scope_id):
        return f"{address}, which is not a public IPv6 address"
    if address.version == 6 and (int(address) >> 32) & 0xFFFFFFFF in _ISATAP:
        return f"{address}, which carries an IPv4 address (ISATAP)"
    if not address.is_global or address.is_multicast:  # what a later Python knows and this list does not
        return f"{address}, which is not a public address"
    return ""


def read(url: str) -> Target | Refused:
    """A URL taken apart, strictly: what two programs could read differently is refused, not repaired."""
    if not url or len(url) > MAX_URL:
        return Refused(what=f"a URL of {len(url)} characters")
    if _UNSAFE.search(url):
        return Refused(what="a URL with white space, a backslash or an invisible character")
    try:
        parts = urlsplit(url)
    except ValueError:
        return Refused(what="a URL with a damaged host")
    scheme = parts.scheme.lower()
    if scheme not in _DEFAULT_PORTS:
        return Refused(what=f"scheme '{scheme[:20]}' (only http and https)")
    if "@" in parts.netloc:
        return Refused(what="a URL with a user name or password")
    match = re.fullmatch(r"(\[[^\]\[]*\]|[^:\[\]]*)(?::(.*))?", parts.netloc)
    if match is None or not match[1]:
        return Refused(what="a URL without a host, or with a damaged one")
    if match[2] is not None and (not _PORT.fullmatch(match[2]) or int(match[2]) > 65535):
        return Refused(what="a URL with a damaged port")
    port = int(match[2]) if match[2] else _DEFAULT_PORTS[scheme]
    host = _host(match[1])
    if isinstance(host, Refused):
        return host
    name, address = host
    rest = _escaped(parts.path) or "/"
    if parts.query:
        rest += "?" + _escaped(parts.query)
    return Target(scheme=scheme, host=name, port=port, rest=rest, address=address)


def _host(text: str) -> tuple[str, Address | None] | Refused:
    if text.startswith("["):
        try:
            address = ipaddress.IPv6Address(text[1:-1])
        except ValueError:
            return Refused(what=f"'{text[:60]}' is not an IPv6 address")
        if address.scope_id is not None:
            return Refused(what="an IPv6 address with a zone")
        return str(address), address
    name = text.lower()
    if not text.isascii():
        try:
            name = idna.encode(text, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            return Refused(what="a host name that IDNA does not allow")
    if text == name and _V4.fullmatch(name):
        return name, ipaddress.IPv4Address(name)
    # Whatever ends in a number is read as an address by browsers and by getaddrinfo: decimal, octal, hex, short forms.
    if _NUMBER.fullmatch(name.rstrip(".").rpartition(".")[2]):
        return Refused(what=f"'{text[:60]}' is an address in an odd notation")
    if not _NAME.fullmatch(name):
        return Refused(what=f"'{text[:60]}' is not a host name")
    return name, None


def _escaped(part: str) -> str:
    """Percent-encode what is not ASCII, and nothing twice."""
    return quote(re.sub(r"%(?![0-9a-fA-F]{2})", "%25", part), safe="/:@!$&'()*+,;=-._~?%[]|^{}`")
