"""digest.toml and the environment -> one frozen object, read once.

    defaults  <  digest.toml  <  environment (DIGEST_<SECTION>_<NAME>)  <  DIGEST_<SECTION>_<NAME>_FILE for secrets

Every setting knows where its value came from (`Settings.origins`), so that `digest check` can tell. What is wrong is
collected, not reported one at a time. docs/settings.md is made from it by tools/settings_page.py.
"""

from __future__ import annotations

import contextlib
import dataclasses
import ipaddress
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import email_validator
from pydantic import TypeAdapter, ValidationError

from digest import periods
from digest.addresses import Guard, Refused
from digest.errors import ConfigError
from digest.model import DigestRule, Grouping, Publication, Rights, SectionRule, Source
from digest.places import WITHIN

FILE: Final = "digest.toml"
_CONFIG: Final[Mapping[str, object]] = {"use_attribute_docstrings": True, "extra": "forbid"}


@dataclass(frozen=True, kw_only=True)
class Paths:
    """Where things are, below the publication's folder."""

    __pydantic_config__ = _CONFIG

    state: str = "var"
    """Folder of everything that Digest writes: database, feeds, editions, secrets; git should ignore it."""
    templates: str = "templates"
    """Folder of the publication's own templates; each overrides the one of the same name that ships."""
    taxonomy: str = ""
    """File of the themes; the one that ships when empty."""


@dataclass(frozen=True, kw_only=True)
class PlaceSettings:
    """Where territories lie."""

    __pydantic_config__ = _CONFIG

    within: Mapping[str, str] = field(default_factory=lambda: dict(WITHIN))
    """Territory -> country it lies in, as { HK = "CN", MO = "CN" }; one that is not named stands on its own."""


@dataclass(frozen=True, kw_only=True)
class StoreSettings:
    """Where state is kept."""

    __pydantic_config__ = _CONFIG

    url: str = ""
    """SQLAlchemy URL: sqlite or postgresql+psycopg; an SQLite file in the state folder when empty. Secret."""


class Security(StrEnum):
    """How the connection to the SMTP server is protected."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


@dataclass(frozen=True, kw_only=True)
class Mail:
    """Where mail goes. Without a host it goes to a Maildir in the state folder."""

    __pydantic_config__ = _CONFIG

    host: str = ""
    """SMTP server; empty for the Maildir."""
    port: int = 587
    """Its port (RFC 6409: 587 for submission, 465 with security = "tls")."""
    security: Security = Security.STARTTLS
    """starttls (required, never silently plain), tls (from the first byte), or none (loopback and test only)."""
    username: str = ""
    """User name for AUTH; none when empty."""
    password: str = ""
    """Password for AUTH. Secret."""
    certificates: str = ""
    """File of certificate authorities to trust (PEM); the system's when empty."""
    sessions: int = 4
    """Connections at once."""
    timeout: float = 60.0
    """Seconds to wait for a reply."""
    maildir: str = "mail"
    """Maildir below the state folder, used while no host is set."""
    rate: float = 0.0
    """Messages per second over all connections; 0: as fast as the server takes them. It slows down by itself when the
    server says 421 or 4xx."""
    chunking: bool = False
    """Send bodies by BDAT where the server offers CHUNKING (RFC 3030); worth it where the server is far away."""
    return_path: str = ""
    """Address in MAIL FROM, where bounces go; the sender when empty. With {token} in it, as in
    bounce+{token}@example.com, each copy has its own, signed (VERP)."""
    unsubscribe: str = ""
    """Address for unsubscription by mail (List-Unsubscribe: mailto:); none when empty."""


class Uncertain(StrEnum):
    """What becomes of a copy that may or may not have arrived."""

    RESEND = "resend"
    HOLD = "hold"


@dataclass(frozen=True, kw_only=True)
class DeliverySettings:
    """How hard delivery tries."""

    __pydantic_config__ = _CONFIG

    uncertain: Uncertain = Uncertain.RESEND
    """After a crash between body and reply: resend (same Message-ID), or hold for the operator."""
    first_delay: float = 60.0
    """Seconds before the first retry after a temporary failure; doubles each time, with jitter."""
    longest_delay: float = 3600.0
    """Seconds that a delay grows to at most."""
    give_up_after: float = 72.0
    """Hours after which a copy that is still refused for the time being is given up."""
    linger: float = 120.0
    """Seconds that one run waits for deferred copies before it ends and leaves them to the next."""
    suppress_after: int = 2
    """Permanent refusals of an address, in different editions, before it is suppressed."""
    halt_share: float = 0.05
    """Share of refusals for our own faults (5.7.x) at which the run stops by itself."""
    site_file: str = ""
    """File outside the state folder that binds this installation, so that no copy of it sends; when empty,
    digest/<site>.json in the user's state folder ($XDG_STATE_HOME or ~/.local/state). In a container: on a volume."""


@dataclass(frozen=True, kw_only=True)
class DkimSettings:
    """Signatures on what is sent (RFC 6376). Without a key nothing is signed: many relays do it themselves."""

    __pydantic_config__ = _CONFIG

    key_file: str = ""
    """File of the private key (PEM; RSA of 2048 bits, or Ed25519), from the publication's folder; without one nothing
    is signed."""
    selector: str = "digest"
    """The key's name in DNS: its record is <selector>._domainkey.<domain>; `digest check` prints it."""
    domain: str = ""
    """Domain that signs; the sender's when empty. It must be the sender's or above it (DMARC)."""
    algorithm: str = ""
    """rsa-sha256 or ed25519-sha256; what the key is when empty."""


@dataclass(frozen=True, kw_only=True)
class FeedSettings:
    """What feeds carry."""

    __pydantic_config__ = _CONFIG

    entries: int = 50
    """Entries of a feed at most; the newest."""


@dataclass(frozen=True, kw_only=True)
class LinkSettings:
    """How links are signed."""

    __pydantic_config__ = _CONFIG

    secret: str = ""
    """Keys of links and Message-IDs, 32 characters or more, separated by spaces: the first signs, all verify. Made in
    the state folder when empty. Secret."""


@dataclass(frozen=True, kw_only=True)
class WebSettings:
    """The public pages and feeds, and who may ask how often for a mail."""

    __pydantic_config__ = _CONFIG

    host: str = "127.0.0.1"
    """Address to listen on; a proxy that speaks TLS stands before it."""
    port: int = 8080
    """Port to listen on; 0 takes a free one."""
    trusted_proxies: str = "127.0.0.1 ::1"
    """Addresses or networks of proxies whose X-Forwarded-For is believed, separated by spaces; none when empty."""
    requests_per_network: int = 20
    """Sign-ups and requests for a link that one network (IPv4 /24, IPv6 /48) may send in an hour."""
    requests_per_hour: int = 500
    """The same for all networks together."""
    confirm_days: int = 7
    """Days for which the link of a confirmation mail works."""
    full_addresses: bool = False
    """Keep the whole IP address with a consent; else its network only (IPv4 /24, IPv6 /48)."""


@dataclass(frozen=True, kw_only=True)
class FetchSettings:
    """What may be fetched over the network."""

    __pydantic_config__ = _CONFIG

    allow: tuple[str, ...] = ()
    """Hosts of the intranet that sources may name: ["news.intranet:8080", "10.1.0.0/16"]; any port if none is given."""
    certificates: str = ""
    """File of certificate authorities to trust beside the system's (PEM), for hosts of the intranet."""
    contact: str = ""
    """Address or page in the User-Agent, for those whose servers are asked; the publication's url when empty."""


@dataclass(frozen=True, kw_only=True)
class InboxSettings:
    """Where letters to the unsubscribe address (mail.unsubscribe) are read: a Maildir, an IMAP folder, or nowhere."""

    __pydantic_config__ = _CONFIG

    maildir: str = ""
    """Maildir that the mail server fills, absolute or below the publication's folder."""
    host: str = ""
    """IMAP server."""
    port: int = 993
    """Its port (993, or 143 with security = "starttls")."""
    security: Security = Security.TLS
    """tls, starttls (required, never silently plain), or none (loopback and test only)."""
    username: str = ""
    """User name for LOGIN."""
    password: str = ""
    """Password for LOGIN. Secret."""
    folder: str = "INBOX"
    """Folder on the IMAP server."""
    certificates: str = ""
    """File of certificate authorities to trust (PEM); the system's when empty."""
    timeout: float = 30.0
    """Seconds to wait for a reply."""
    every: float = 60.0
    """Seconds between two looks."""


class LogFormat(StrEnum):
    """How a line of the log is written."""

    CONSOLE = "console"
    JSON = "json"


class LogLevel(StrEnum):
    """What is logged: this and what is graver."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, kw_only=True)
class OperationsSettings:
    """How `digest run` works, and whom it tells."""

    __pydantic_config__ = _CONFIG

    alarm: str = ""
    """Address of the operator who is told when an edition is held, a run stopped, or a source failed; may be empty."""
    web: bool = True
    """Whether `digest run` serves the public pages and feeds."""
    metrics: bool = False
    """Whether the web server answers /metrics for Prometheus; let the proxy keep it from the public."""
    tick: float = 20.0
    """Seconds between two looks at what is due, to be sent, or to be published."""
    pickup_every: float = 60.0
    """Seconds between two looks at which sources are due."""
    warn_hours: float = 6.0
    """Hours before an edition is due when an operator is told of sources that fail or are quiet."""
    log_format: LogFormat = LogFormat.CONSOLE
    """console for people, json for programs; addresses and tokens are in neither."""
    log_level: LogLevel = LogLevel.INFO
    """debug, info, warning or error."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that digest.toml and the environment say."""

    folder: Path
    publication: Publication
    paths: Paths = field(default_factory=Paths)
    places: PlaceSettings = field(default_factory=PlaceSettings)
    store: StoreSettings = field(default_factory=StoreSettings)
    mail: Mail = field(default_factory=Mail)
    delivery: DeliverySettings = field(default_factory=DeliverySettings)
    dkim: DkimSettings = field(default_factory=DkimSettings)
    feeds: FeedSettings = field(default_factory=FeedSettings)
    links: LinkSettings = field(default_factory=LinkSettings)
    web: WebSettings = field(default_factory=WebSettings)
    fetch: FetchSettings = field(default_factory=FetchSettings)
    inbox: InboxSettings = field(default_factory=InboxSettings)
    operations: OperationsSettings = field(default_factory=OperationsSettings)
    sources: tuple[Source, ...] = ()
    digests: tuple[DigestRule, ...] = ()
    groupings: tuple[Grouping, ...] = ()
    origins: Mapping[str, str] = field(default_factory=dict)

    @property
    def state(self) -> Path:
        """The folder of everything that Digest writes."""
        return self.folder / self.paths.state

    @property
    def zone(self) -> ZoneInfo:
        """The publication's time zone."""
        return ZoneInfo(self.publication.time_zone)

    @property
    def store_url(self) -> str:
        """The URL of the database, with the default filled in."""
        return self.store.url or f"sqlite:///{self.state / 'digest.sqlite3'}"

    def digest(self, key: str = "") -> DigestRule:
        """The digest of a key; the only one there is when the key is empty.

        Raises:
            ConfigError: there is none, or which one is meant is not said.
        """
        known = ", ".join(rule.key for rule in self.digests)
        if not key and len(self.digests) == 1:
            return self.digests[0]
        for rule in self.digests:
            if rule.key == key:
                return rule
        raise ConfigError(
            f"no digest '{key}' in {FILE} (there are: {known})" if key else f"say which digest: one of {known}"
        )

    def rows(self) -> Iterator[tuple[str, str, str]]:
        """(name, value, origin) of every setting, secrets hidden; for `digest check`."""
        tables = [(name, getattr(self, name)) for name in TABLES]
        entries = [(f"{name}[{index}]", entry) for name in LISTS for index, entry in enumerate(getattr(self, name))]
        for prefix, table in (*tables, *entries):
            for key, value in dataclasses.asdict(table).items():
                path = f"{prefix}.{key}"
                origin = self.origins.get(path, "default")
                for name, shown in _leaves(path, value):
                    yield name, ("(hidden)" if shown else "") if path in SECRETS else shown, origin


def _leaves(path: str, value: object) -> Iterator[tuple[str, str]]:
    """The name and text of each value in it: a table below a table is shown key by key."""
    if isinstance(value, Mapping) and value:
        for key, entry in value.items():
            yield from _leaves(f"{path}.{key}", entry)
    elif isinstance(value, (list, tuple)) and any(isinstance(entry, Mapping) for entry in value):
        for index, entry in enumerate(value):
            yield from _leaves(f"{path}[{index}]", entry)
    elif isinstance(value, (list, tuple)):
        yield path, ", ".join(str(entry) for entry in value)
    else:
        yield path, "" if value is None or value == {} else str(value)


TABLES: Final[Mapping[str, type]] = {
    "publication": Publication,
    "paths": Paths,
    "places": PlaceSettings,
    "store": StoreSettings,
    "mail": Mail,
    "delivery": DeliverySettings,
    "dkim": DkimSettings,
    "feeds": FeedSettings,
    "links": LinkSettings,
    "web": WebSettings,
    "fetch": FetchSettings,
    "inbox": InboxSettings,
    "operations": OperationsSettings,
}
LISTS: Final[Mapping[str, type]] = {"sources": Source, "digests": DigestRule, "groupings": Grouping}
SECRETS: Final = frozenset({"store.url", "mail.password", "inbox.password", "links.secret"})
_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def variable(path: str) -> str:
    """The environment variable of a setting: mail.host -> DIGEST_MAIL_HOST."""
    return "DIGEST_" + path.replace(".", "_").upper()


def load(folder: Path, environ: Mapping[str, str]) -> Settings:
    """Read the settings of a publication's folder.

    Raises:
        ConfigError: with every problem that was found, each naming the setting, where it came from and the remedy.
    """
    document, origins = _read_file(folder / FILE)
    problems = list(_override(document, origins, environ))
    values: dict[str, Any] = {}
    for name, kind in TABLES.items():
        table = document.pop(name, {})
        values[name], found = _validate(kind, table, name, origins)
        problems += found
    for name, kind in LISTS.items():
        entries = document.pop(name, [])
        if not isinstance(entries, list):
            problems.append(f"{name}: write each one as [[{name}]]")
            entries = []
        read = []
        for index, entry in enumerate(entries):
            value, found = _validate(kind, _weekday(entry), f"{name}[{index}]", origins)
            problems += found
            if value is not None:
                read.append(value)
        values[name] = tuple(read)
    problems += [f"{name}: no such table in {FILE} (there are: {', '.join([*TABLES, *LISTS])})" for name in document]
    if not problems:
        settings = Settings(folder=folder, origins=origins, **values)
        problems = list(_problems(settings))
    if problems:
        raise ConfigError(*problems)
    return settings


def _read_file(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The document and the origin of each of its values."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: no such file (name the publication's folder with --folder, or make one with `digest init DIR`)"
        ) from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 at byte {error.start} (save the file as UTF-8)") from None
    except (tomllib.TOMLDecodeError, OSError) as error:
        raise ConfigError(f"{path}: {error}") from None
    origins: dict[str, str] = {}
    for name, table in document.items():
        for prefix, entry in _entries(name, table):
            origins.update({f"{prefix}.{key}": path.name for key in entry})
    return document, origins


def _entries(name: str, table: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(table, dict):
        yield name, table
    elif isinstance(table, list):
        yield from ((f"{name}[{i}]", entry) for i, entry in enumerate(table) if isinstance(entry, dict))


def _override(document: dict[str, Any], origins: dict[str, str], environ: Mapping[str, str]) -> Iterator[str]:
    """Lay the environment over the document; yield what is wrong with it."""
    known = {}
    for name, kind in TABLES.items():
        for entry in dataclasses.fields(kind):
            path = f"{name}.{entry.name}"
            known[variable(path)] = (name, entry.name, path)
    for variable_name in sorted(environ):
        if not variable_name.startswith("DIGEST_") or variable_name in OTHER_VARIABLES:
            continue
        value = environ[variable_name]
        origin = f"environment {variable_name}"
        base = variable_name.removesuffix("_FILE")
        if variable_name not in known and base in known and known[base][2] in SECRETS:
            try:
                value = Path(value).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                yield f"{origin}: cannot read '{value}': {error}"
                continue
            origin = f"file {environ[variable_name]} ({variable_name})"
        elif variable_name not in known:
            yield f"{origin}: no setting has that name (docs/settings.md lists them)"
            continue
        name, key, path = known[base if variable_name not in known else variable_name]
        table = document.setdefault(name, {})
        if isinstance(table, dict):
            kinds = {entry.name: entry.type for entry in dataclasses.fields(TABLES[name])}
            table[key] = value.replace(",", " ").split() if kinds[key] == "tuple[str, ...]" else value
            origins[path] = origin


OTHER_VARIABLES: Final = frozenset({"DIGEST_FOLDER"})


def _weekday(entry: object) -> object:
    """Let an operator write weekday = "monday"."""
    if isinstance(entry, dict) and isinstance(day := entry.get("weekday"), str) and day.lower() in _WEEKDAYS:
        return entry | {"weekday": _WEEKDAYS.index(day.lower())}
    return entry


def _validate(kind: type, table: object, path: str, origins: Mapping[str, str]) -> tuple[Any, list[str]]:
    try:
        return TypeAdapter(kind).validate_python(table), []
    except ValidationError as error:
        return None, [_sentence(kind, path, dict(problem), origins) for problem in error.errors()]


def _sentence(kind: type, path: str, problem: Mapping[str, Any], origins: Mapping[str, str]) -> str:
    """One problem that pydantic found, in our words."""
    loc = [str(part) for part in problem["loc"]]
    name = ".".join([path, *loc])
    origin = origins.get(f"{path}.{loc[0]}" if loc else path, FILE)
    match problem["type"]:
        case "missing" | "missing_keyword_only_argument" | "missing_argument":
            return f"{name}: is missing ({origin}: add it)"
        case "unexpected_keyword_argument" | "extra_forbidden":
            names = ", ".join(entry.name for entry in dataclasses.fields(kind))
            return f"{name}: no such setting ({origin}; there are: {names})"
        case _:
            shown = "(hidden)" if name in SECRETS else repr(problem["input"])
            return f"{name}: {shown} from {origin}: {problem['msg'].lower()}"


def _problems(settings: Settings) -> Iterator[str]:
    """What types cannot say: whether the values make sense, alone and together."""
    publication = settings.publication
    yield from _publication_problems(publication, settings.origins)
    for name in LISTS:
        keys = [getattr(entry, "code" if name == "groupings" else "key") for entry in getattr(settings, name)]
        yield from (f"{name}: '{key}' stands twice (keys are unique)" for key in sorted(_twice(keys)))
        yield from (
            f"{name}: '{key}' is no key (use lower-case letters, digits and hyphens)"
            for key in keys
            if not key or set(key) - set("abcdefghijklmnopqrstuvwxyz0123456789-")
        )
    for source in settings.sources:
        yield from _zone_problems(f"sources '{source.key}': time_zone", source.time_zone or "UTC")
        yield from _source_problems(source, settings)
        if source.weight <= 0:
            yield f"sources '{source.key}': weight {source.weight} (must be above 0)"
    for rule in settings.digests:
        yield from _digest_problems(rule)
    for grouping in settings.groupings:
        if not grouping.code.startswith("x-"):
            yield f"groupings '{grouping.code}': a grouping's code starts with x- (x-{grouping.code})"
        if not grouping.members:
            yield f"groupings '{grouping.code}': has no members (list codes of regions)"
    if any(len(secret) < 32 for secret in settings.links.secret.split()):
        yield "links.secret: shorter than 32 characters (leave it empty to have one made)"
    for name in ("sessions", "port", "timeout"):
        if getattr(settings.mail, name) <= 0:
            yield f"mail.{name}: {getattr(settings.mail, name)} (must be above 0)"
    yield from _address_problems("mail.return_path", settings.mail.return_path.replace("{token}", "x"))
    if "{token}" in settings.mail.return_path.rpartition("@")[2]:
        yield "mail.return_path: {token} stands behind the @ (write bounce+{token}@example.com)"
    yield from _address_problems("mail.unsubscribe", settings.mail.unsubscribe)
    if settings.mail.rate < 0:
        yield f"mail.rate: {settings.mail.rate} (must not be below 0)"
    if settings.dkim.algorithm not in {"", "rsa-sha256", "ed25519-sha256"}:
        yield f"dkim.algorithm: {settings.dkim.algorithm!r} (rsa-sha256 or ed25519-sha256)"
    for name in ("first_delay", "longest_delay", "give_up_after", "suppress_after", "halt_share"):
        if getattr(settings.delivery, name) <= 0:
            yield f"delivery.{name}: {getattr(settings.delivery, name)} (must be above 0)"
    if settings.delivery.linger < 0:
        yield f"delivery.linger: {settings.delivery.linger} (must not be below 0)"
    yield from _web_problems(settings.web)
    yield from _fetch_problems(settings.fetch)
    yield from _operations_problems(settings)
    if settings.feeds.entries < 1:
        yield f"feeds.entries: {settings.feeds.entries} (must be at least 1)"


def _source_problems(source: Source, settings: Settings) -> Iterator[str]:
    if not source.live:
        if not (settings.folder / source.location).resolve().is_relative_to(settings.folder.resolve()):
            yield f"sources '{source.key}': location {source.location!r} leads out of the publication's folder"
        if source.full_text:
            yield f"sources '{source.key}': full_text is for feeds with a web address (take it out)"
        return
    with contextlib.suppress(ValueError):  # a wrong entry of fetch.allow has its own sentence
        found = Guard(settings.fetch.allow).check(source.location)
        if isinstance(found, Refused):
            yield (
                f"sources '{source.key}': location {source.location!r}: {found.what}"
                " (name a public feed, or name its host in fetch.allow)"
            )
    if source.full_text and source.rights is not Rights.FULL:
        yield f"sources '{source.key}': full_text without rights = \"full\" (set the rights, or take full_text out)"


def _fetch_problems(fetch: FetchSettings) -> Iterator[str]:
    for entry in fetch.allow:
        try:
            Guard([entry])
        except ValueError as error:
            yield f"fetch.allow: {entry!r}: {error} (write news.intranet, news.intranet:8080 or 10.1.0.0/16)"


def _web_problems(web: WebSettings) -> Iterator[str]:
    if not 0 <= web.port <= 65535:
        yield f"web.port: {web.port} (0 to 65535)"
    for name in ("requests_per_network", "requests_per_hour", "confirm_days"):
        if getattr(web, name) < 1:
            yield f"web.{name}: {getattr(web, name)} (must be at least 1)"
    for proxy in web.trusted_proxies.split():
        try:
            ipaddress.ip_network(proxy, strict=False)
        except ValueError:
            yield f"web.trusted_proxies: {proxy!r} is no address or network (write 10.0.0.7 or 10.0.0.0/8)"


def _operations_problems(settings: Settings) -> Iterator[str]:
    inbox, operations = settings.inbox, settings.operations
    if inbox.maildir and inbox.host:
        yield "inbox: names both a maildir and a host (keep one)"
    if (inbox.maildir or inbox.host) and not settings.mail.unsubscribe:
        yield "inbox: is set, but mail.unsubscribe is empty (name the address whose letters arrive there)"
    if inbox.host and not inbox.username:
        yield "inbox.username: is empty (IMAP needs one)"
    for name in ("port", "timeout", "every"):
        if getattr(inbox, name) <= 0:
            yield f"inbox.{name}: {getattr(inbox, name)} (must be above 0)"
    for name in ("tick", "pickup_every"):
        if getattr(operations, name) <= 0:
            yield f"operations.{name}: {getattr(operations, name)} (must be above 0)"
    if operations.warn_hours < 0:
        yield f"operations.warn_hours: {operations.warn_hours} (must not be below 0)"
    yield from _address_problems("operations.alarm", operations.alarm)


def _publication_problems(publication: Publication, origins: Mapping[str, str]) -> Iterator[str]:
    for name in ("title", "postal_address"):
        if not getattr(publication, name).strip():
            yield f"publication.{name}: is empty ({origins.get(f'publication.{name}', FILE)}: fill it in)"
    parts = urlsplit(publication.url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        yield f"publication.url: {publication.url!r} is no public address (write https://host or https://host/path)"
    elif publication.url.endswith("/"):
        yield f"publication.url: {publication.url!r} ends with a slash (leave it out)"
    yield from _address_problems("publication.sender", publication.sender, required=True)
    yield from _address_problems("publication.feedback", publication.feedback)
    yield from _zone_problems("publication.time_zone", publication.time_zone)


def _address_problems(path: str, address: str, *, required: bool = False) -> Iterator[str]:
    if not address and not required:
        return
    try:
        email_validator.validate_email(address, check_deliverability=False, allow_smtputf8=False, test_environment=True)
    except email_validator.EmailNotValidError as error:
        yield f"{path}: {address!r} is no e-mail address: {error}"


def _zone_problems(path: str, name: str) -> Iterator[str]:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        yield f"{path}: no time zone {name!r} (write an IANA name such as Asia/Shanghai)"


def _digest_problems(rule: DigestRule) -> Iterator[str]:
    path = f"digests '{rule.key}'"
    yield from (f"{path}: {problem}" for problem in periods.problems(rule))
    if rule.approval not in {"deadline", "operator"}:
        yield f"{path}: approval {rule.approval!r} (deadline or operator)"
    if not rule.sections:
        yield f"{path}: has no sections (add [[digests.sections]] with region, pair, or elsewhere = true)"
    for name, least in (("minimum_items", 1), ("top_stories", 0), ("lateness_days", 0)):
        if getattr(rule, name) < least:
            yield f"{path}: {name} {getattr(rule, name)} (must be at least {least})"
    yield from (f"{path}: section '{key}' stands twice" for key in sorted(_twice([s.key for s in rule.sections])))
    yield from (problem for section in rule.sections for problem in _section_problems(path, section))


def _section_problems(path: str, section: SectionRule) -> Iterator[str]:
    if bool(section.region) + bool(section.pair) + section.elsewhere != 1:
        yield f"{path}: section '{section.key}' needs exactly one of region, pair, elsewhere"


def _twice(keys: list[str]) -> set[str]:
    return {key for key in keys if keys.count(key) > 1}


def shipped(name: str) -> Path:
    """Where something that ships with Digest is: templates, seeds, subscribers, locale, digest.toml.

    An installed wheel carries them in digest/_shipped; a checkout has them beside the package.
    """
    package = Path(__file__).parent
    installed = package / "_shipped" / name
    return installed if installed.exists() else package.parent / name
