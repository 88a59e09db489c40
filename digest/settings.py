"""digest.toml and the environment -> one frozen object, read once.

    defaults  <  digest.toml  <  environment (DIGEST_<SECTION>_<NAME>)  <  DIGEST_<SECTION>_<NAME>_FILE for secrets

Every setting knows where its value came from (`Settings.origins`), so that `digest check` can tell. What is wrong is
collected, not reported one at a time. docs/settings.md is made from it by tools/settings_page.py.
"""

from __future__ import annotations

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

from digest.errors import ConfigError
from digest.model import DigestRule, Grouping, Publication, SectionRule, Source
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
    return_path: str = ""
    """Address in MAIL FROM, where bounces go; the sender when empty."""
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
class Settings:
    """Everything that digest.toml and the environment say."""

    folder: Path
    publication: Publication
    paths: Paths = field(default_factory=Paths)
    places: PlaceSettings = field(default_factory=PlaceSettings)
    store: StoreSettings = field(default_factory=StoreSettings)
    mail: Mail = field(default_factory=Mail)
    delivery: DeliverySettings = field(default_factory=DeliverySettings)
    feeds: FeedSettings = field(default_factory=FeedSettings)
    links: LinkSettings = field(default_factory=LinkSettings)
    web: WebSettings = field(default_factory=WebSettings)
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
        for name in TABLES:
            for key, value in dataclasses.asdict(getattr(self, name)).items():
                path = f"{name}.{key}"
                shown = ("(hidden)" if value else "") if path in SECRETS else str(value)
                yield path, shown, self.origins.get(path, "default")
        for name in LISTS:
            for index, entry in enumerate(getattr(self, name)):
                for key, value in dataclasses.asdict(entry).items():
                    path = f"{name}[{index}].{key}"
                    yield path, str(value), self.origins.get(path, "default")


TABLES: Final[Mapping[str, type]] = {
    "publication": Publication,
    "paths": Paths,
    "places": PlaceSettings,
    "store": StoreSettings,
    "mail": Mail,
    "delivery": DeliverySettings,
    "feeds": FeedSettings,
    "links": LinkSettings,
    "web": WebSettings,
}
LISTS: Final[Mapping[str, type]] = {"sources": Source, "digests": DigestRule, "groupings": Grouping}
SECRETS: Final = frozenset({"store.url", "mail.password", "links.secret"})
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
            table[key] = value
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
        if not (settings.folder / source.location).resolve().is_relative_to(settings.folder.resolve()):
            yield f"sources '{source.key}': location {source.location!r} leads out of the publication's folder"
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
    for name in ("return_path", "unsubscribe"):
        yield from _address_problems(f"mail.{name}", getattr(settings.mail, name))
    for name in ("first_delay", "longest_delay", "give_up_after", "suppress_after", "halt_share"):
        if getattr(settings.delivery, name) <= 0:
            yield f"delivery.{name}: {getattr(settings.delivery, name)} (must be above 0)"
    if settings.delivery.linger < 0:
        yield f"delivery.linger: {settings.delivery.linger} (must not be below 0)"
    yield from _web_problems(settings.web)
    if settings.feeds.entries < 1:
        yield f"feeds.entries: {settings.feeds.entries} (must be at least 1)"


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
    if rule.frequency != "weekly":
        yield f"{path}: frequency {rule.frequency!r} (weekly is the only one)"
    if rule.approval not in {"deadline", "operator"}:
        yield f"{path}: approval {rule.approval!r} (deadline or operator)"
    if not 0 <= rule.weekday <= 6:
        yield f"{path}: weekday {rule.weekday} (monday to sunday, or 0 to 6)"
    if rule.at.tzinfo is not None:
        yield f"{path}: at {rule.at} carries a zone (times are local: publication.time_zone)"
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
