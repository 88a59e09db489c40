"""The tables of digest.toml, each a frozen dataclass; docs/settings.md is made from them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from digest.errors import ConfigError
from digest.model import DigestRule, Grouping, Publication, Source
from digest.places import WITHIN

FILE: Final = "digest.toml"
_CONFIG: Final[Mapping[str, object]] = {"extra": "forbid"}


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
class ClassifySettings:
    """How articles are judged (docs/regions.md, docs/taxonomy.md)."""

    __pydantic_config__ = _CONFIG

    learned: bool = True
    """Let weights learned from public corpora help the rules (docs/regions.md); off: rules alone, each can be read."""


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
class DomainLimit:
    """How fast mail goes to some recipient domains together, within `mail.rate`.

    Other copies do not wait for these. A server that says 421 or 4xx about one of them slows these domains alone.
    """

    __pydantic_config__ = _CONFIG

    domains: tuple[str, ...]
    """What stands behind the @ in readers' addresses: a provider's domains share one limit."""
    rate: float
    """Messages per second over all connections, processes and machines."""


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
    limits: tuple[DomainLimit, ...] = ()
    """Limits for some recipient domains, each a [[mail.limits]] table; in the environment as JSON, a list of such
    tables."""
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
    processes: int = 1
    """Processes that send one edition side by side; 0: one for each processor. Limits hold over all of them."""
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
    """Entries of a feed at most; the newest. What came before stands in its archive."""
    hub: str = ""
    """Address of a WebSub hub that is told when feeds change, and tells those who asked it; none when empty."""


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
    requests_per_address: int = 10
    """The same that one address (IPv4, or IPv6 /64) may send to one process."""
    requests_per_hour: int = 500
    """The same for all networks together."""
    acts_per_address: int = 60
    """Forms by which readers confirm, choose, come back or erase: so many an hour from one address, to one process."""
    acts_per_network: int = 600
    """The same for one network. Unsubscribing in one click is not limited."""
    less_often: int = 4
    """Who wants mails less often gets every so many-th edition: 4 of a weekly digest is about one in a month."""
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


class SecondFactor(StrEnum):
    """Whether operators need a code of an app to sign in."""

    OPTIONAL = "optional"
    REQUIRED = "required"


@dataclass(frozen=True, kw_only=True)
class ConsoleSettings:
    """The operator's desk in a browser, and how operators sign in (docs/console.md)."""

    __pydantic_config__ = _CONFIG

    enabled: bool = True
    """Whether /console and /api are served; there is nothing to sign in to before `digest operators add`."""
    second_factor: SecondFactor = SecondFactor.OPTIONAL
    """optional, or required: then an operator sets up an app (TOTP) before anything else."""
    session_hours: float = 24.0
    """Hours after which an operator signs in again in any case."""
    idle_minutes: float = 120.0
    """Minutes without a request after which a session ends."""
    attempts: int = 8
    """Attempts to sign in within 15 minutes for one operator from one network; four times as many for a network."""
    api_requests: int = 600
    """Requests of the API within a minute for each token; what is more gets 429 and is told how long to wait."""


@dataclass(frozen=True, kw_only=True)
class BounceSettings(InboxSettings):
    """Where mail that comes back (mail.return_path) is read, and when soft bounces suppress an address."""

    __pydantic_config__ = _CONFIG

    soft_after: int = 5
    """Soft bounces of an address in a row, over soft_days at least, before it is suppressed; hard ones count in
    delivery.suppress_after. A full mailbox and what is a fault of ours count against nobody."""
    soft_days: float = 28.0
    """Days that lie at least between the first and the last of them."""


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
    probe_port: int = 0
    """Port at which a process that serves no pages (a scheduler, a worker) answers /healthz, /readyz and, with metrics,
    /metrics, on web.host; none when 0."""
    tick: float = 20.0
    """Seconds between two looks at what is due, to be sent, or to be published."""
    pickup_every: float = 60.0
    """Seconds between two looks at which sources are due."""
    warn_hours: float = 6.0
    """Hours before an edition is due when an operator is told of sources that fail or are quiet."""
    log_format: LogFormat = LogFormat.CONSOLE
    """console for people, json for programs; tokens are in neither, addresses only with log_addresses."""
    log_level: LogLevel = LogLevel.INFO
    """debug, info, warning or error."""
    log_addresses: bool = False
    """Leave addresses of readers in the log, while a fault is looked for; tokens and passwords never are."""


@dataclass(frozen=True, kw_only=True)
class EngineSettings:
    """Who does the work, where several machines share one PostgreSQL (`store.url`); `lease` is for all of them alike.

    With SQLite one `digest run` does everything, and only `scheduler` and `worker` mean anything.
    """

    __pydantic_config__ = _CONFIG

    scheduler: bool = True
    """Whether `digest run` looks at what is due. Any number of machines may; an edition is still made once."""
    worker: bool = True
    """Whether `digest run` does what is due, too; else `digest worker` has to run somewhere."""
    concurrency: int = 2
    """Ranges of a campaign that one process sends at once, with PostgreSQL; more processors want more processes."""
    copies: int = 1000
    """Copies of a campaign that a worker takes at a time: its ranges. Fewer share the work more evenly."""
    lease: float = 30.0
    """Seconds for which a worker holds a range of a campaign without a sign of life; then others take it over."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that digest.toml and the environment say."""

    folder: Path
    publication: Publication
    paths: Paths = field(default_factory=Paths)
    places: PlaceSettings = field(default_factory=PlaceSettings)
    classify: ClassifySettings = field(default_factory=ClassifySettings)
    store: StoreSettings = field(default_factory=StoreSettings)
    mail: Mail = field(default_factory=Mail)
    delivery: DeliverySettings = field(default_factory=DeliverySettings)
    dkim: DkimSettings = field(default_factory=DkimSettings)
    feeds: FeedSettings = field(default_factory=FeedSettings)
    links: LinkSettings = field(default_factory=LinkSettings)
    web: WebSettings = field(default_factory=WebSettings)
    fetch: FetchSettings = field(default_factory=FetchSettings)
    inbox: InboxSettings = field(default_factory=InboxSettings)
    bounces: BounceSettings = field(default_factory=BounceSettings)
    operations: OperationsSettings = field(default_factory=OperationsSettings)
    engine: EngineSettings = field(default_factory=EngineSettings)
    console: ConsoleSettings = field(default_factory=ConsoleSettings)
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
    "classify": ClassifySettings,
    "store": StoreSettings,
    "mail": Mail,
    "delivery": DeliverySettings,
    "dkim": DkimSettings,
    "feeds": FeedSettings,
    "links": LinkSettings,
    "web": WebSettings,
    "fetch": FetchSettings,
    "inbox": InboxSettings,
    "bounces": BounceSettings,
    "operations": OperationsSettings,
    "engine": EngineSettings,
    "console": ConsoleSettings,
}
LISTS: Final[Mapping[str, type]] = {"sources": Source, "digests": DigestRule, "groupings": Grouping}
SECRETS: Final = frozenset({"store.url", "mail.password", "inbox.password", "bounces.password", "links.secret"})
# What operators may change at the desk: whom to tell, how fast to go; never where mail goes, or who may ask.
CHANGEABLE: Final = frozenset(
    {
        "operations.alarm",
        "operations.warn_hours",
        "mail.rate",
        "delivery.halt_share",
        "delivery.linger",
        "web.requests_per_hour",
        "console.second_factor",
        "console.session_hours",
        "console.idle_minutes",
    }
)
