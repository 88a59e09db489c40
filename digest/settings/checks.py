"""What types cannot say: whether the values make sense, alone and together."""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import email_validator

from digest import periods
from digest.addresses import Guard, Refused
from digest.model import DigestRule, Publication, Rights, SectionRule, Source
from digest.settings.tables import (
    FILE,
    LISTS,
    ConsoleSettings,
    DomainLimit,
    FetchSettings,
    InboxSettings,
    Settings,
    WebSettings,
)


def problems(settings: Settings) -> Iterator[str]:
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
    yield from _limit_problems(settings.mail.limits)
    if settings.dkim.algorithm not in {"", "rsa-sha256", "ed25519-sha256"}:
        yield f"dkim.algorithm: {settings.dkim.algorithm!r} (rsa-sha256 or ed25519-sha256)"
    for name in ("first_delay", "longest_delay", "give_up_after", "suppress_after", "halt_share"):
        if getattr(settings.delivery, name) <= 0:
            yield f"delivery.{name}: {getattr(settings.delivery, name)} (must be above 0)"
    for name in ("linger", "processes"):
        if getattr(settings.delivery, name) < 0:
            yield f"delivery.{name}: {getattr(settings.delivery, name)} (must not be below 0)"
    yield from _web_problems(settings.web)
    yield from _fetch_problems(settings.fetch)
    yield from _operations_problems(settings)
    yield from _console_problems(settings.console)
    for name in ("concurrency", "copies"):
        if getattr(settings.engine, name) < 1:
            yield f"engine.{name}: {getattr(settings.engine, name)} (must be at least 1)"
    if settings.engine.lease < 1:
        yield f"engine.lease: {settings.engine.lease} (must be at least 1 second)"
    if settings.feeds.entries < 1:
        yield f"feeds.entries: {settings.feeds.entries} (must be at least 1)"
    if settings.feeds.hub:
        with contextlib.suppress(ValueError):  # a wrong entry of fetch.allow has its own sentence
            found = Guard(settings.fetch.allow).check(settings.feeds.hub)
            if isinstance(found, Refused):
                yield f"feeds.hub: {settings.feeds.hub!r}: {found.what} (name a public hub, or its host in fetch.allow)"


def _limit_problems(limits: Sequence[DomainLimit]) -> Iterator[str]:
    for index, limit in enumerate(limits):
        if limit.rate <= 0:
            yield f"mail.limits[{index}]: rate {limit.rate} (must be above 0; without a limit, take the table out)"
        if not limit.domains:
            yield f'mail.limits[{index}]: has no domains (write domains = ["example.com"])'
        for domain in limit.domains:
            if "@" in domain or any(mark.isspace() for mark in domain) or "." not in domain.strip("."):
                yield f"mail.limits[{index}]: {domain!r} is no domain (write what stands behind the @)"
    for domain in sorted(_twice([domain.lower() for limit in limits for domain in limit.domains])):
        yield f"mail.limits: '{domain}' stands twice (a domain has one limit)"


def _source_problems(source: Source, settings: Settings) -> Iterator[str]:
    if source.sent:
        if source.location or source.full_text:
            yield f"sources '{source.key}': location and full_text are not for kind = \"api\" (take them out)"
        return
    if not source.location:
        yield f"sources '{source.key}': location is missing (name the folder, the file, or the feed's address)"
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
    for name in (
        "requests_per_network",
        "requests_per_address",
        "requests_per_hour",
        "acts_per_address",
        "acts_per_network",
        "confirm_days",
    ):
        if getattr(web, name) < 1:
            yield f"web.{name}: {getattr(web, name)} (must be at least 1)"
    if web.less_often < 2:
        yield f"web.less_often: {web.less_often} (must be at least 2)"
    for proxy in web.trusted_proxies.split():
        try:
            ipaddress.ip_network(proxy, strict=False)
        except ValueError:
            yield f"web.trusted_proxies: {proxy!r} is no address or network (write 10.0.0.7 or 10.0.0.0/8)"


def _operations_problems(settings: Settings) -> Iterator[str]:
    operations = settings.operations
    if (settings.inbox.maildir or settings.inbox.host) and not settings.mail.unsubscribe:
        yield "inbox: is set, but mail.unsubscribe is empty (name the address whose letters arrive there)"
    yield from _mailbox_problems("inbox", settings.inbox)
    yield from _mailbox_problems("bounces", settings.bounces)
    if settings.bounces.soft_after < 1:
        yield f"bounces.soft_after: {settings.bounces.soft_after} (must be at least 1)"
    if settings.bounces.soft_days < 0:
        yield f"bounces.soft_days: {settings.bounces.soft_days} (must not be below 0)"
    for name in ("tick", "pickup_every"):
        if getattr(operations, name) <= 0:
            yield f"operations.{name}: {getattr(operations, name)} (must be above 0)"
    if not 0 <= operations.probe_port <= 65535:
        yield f"operations.probe_port: {operations.probe_port} (0 to 65535)"
    if operations.warn_hours < 0:
        yield f"operations.warn_hours: {operations.warn_hours} (must not be below 0)"
    yield from _address_problems("operations.alarm", operations.alarm)


def _mailbox_problems(table: str, mailbox: InboxSettings) -> Iterator[str]:
    if mailbox.maildir and mailbox.host:
        yield f"{table}: names both a maildir and a host (keep one)"
    if mailbox.host and not mailbox.username:
        yield f"{table}.username: is empty (IMAP needs one)"
    for name in ("port", "timeout", "every"):
        if getattr(mailbox, name) <= 0:
            yield f"{table}.{name}: {getattr(mailbox, name)} (must be above 0)"


def _console_problems(console: ConsoleSettings) -> Iterator[str]:
    for name in ("session_hours", "idle_minutes"):
        if getattr(console, name) <= 0:
            yield f"console.{name}: {getattr(console, name)} (must be above 0)"
    for name in ("attempts", "api_requests"):
        if getattr(console, name) < 1:
            yield f"console.{name}: {getattr(console, name)} (must be at least 1)"


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
