"""The only wiring and the only clock: settings in, a publication ready to work out."""

from __future__ import annotations

import os
import random
import secrets
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from digest.addresses import Guard
from digest.classify import Judge, Taxonomy, load_taxonomy
from digest.deliver import (
    Child,
    Fence,
    IMAPInbox,
    Inbox,
    MaildirInbox,
    MaildirTransport,
    Signer,
    SMTPTransport,
    Standing,
    TimedTransport,
    Timeouts,
    Transport,
    aligned,
)
from digest.desk import Checking, Desk, Newsroom, ReaderDesk, SourceDesk
from digest.desk.intake import Intake
from digest.engine import Engine, Work, engine_for
from digest.errors import Busy, ConfigError, InputError, NotFound, StateError, StoreError
from digest.fetch import Fetcher, user_agent
from digest.jail import Jail
from digest.letters import PROOF, Letters
from digest.links import Key, Links
from digest.model import Actor, Copy, Skipped
from digest.operators import Account, Entrance, Factor, Passwords, Staff
from digest.pipeline import Pipeline
from digest.places import Places
from digest.publishing import Press
from digest.render import Renderer
from digest.settings import CHANGEABLE, FILE, InboxSettings, Settings, load, shipped
from digest.sources import LiveSources
from digest.standing import look
from digest.store import Notice, Span, Store
from digest.subscriptions import Reception, ReturnedMail

DISTRIBUTION: Final = "digest-publisher"  # as pyproject.toml names it
if TYPE_CHECKING:
    from digest.metrics import Metrics

_KEY_FILE: Final = "secret.key"
_RANDOM: Final = random.Random()  # noqa: S311 - spreads polls; it guards nothing, and the system's costs a call each


def now() -> datetime:
    """The time, in UTC: the one clock of the program."""
    return datetime.now(UTC) + _WRONG  # noqa: TID251 - the edge where time comes in


# Seconds by which this process's clock is wrong: for tests of machines that differ.
_WRONG: Final = timedelta(seconds=float(os.environ.get("DIGEST_CLOCK_OFFSET", "0")))  # noqa: TID251 - as `environment`


def version() -> str:
    """The version of this program; "0" in a checkout that was never installed."""
    try:
        return metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return "0"


def environment() -> Mapping[str, str]:
    """The process's environment: the one place where it is read."""
    return os.environ  # noqa: TID251 - the edge where the environment comes in


class App:
    """One publication, opened. A context manager: the store and the parsers' children end with it.

    Rooms are made when they are first asked for, so that `digest check` needs no database and `digest catch` no
    gazetteer.
    """

    def __init__(
        self,
        settings: Settings,
        overrides: Mapping[str, str] | None = None,
        changed: Mapping[str, str] | None = None,
    ) -> None:
        self.settings = settings
        self._overrides = overrides or {}
        self._changed = changed or {}  # at the desk, as they were when the settings were read

    @classmethod
    def open(cls, folder: Path, overrides: Mapping[str, str] | None = None) -> App:
        """Read the settings of a folder.

        Args:
            folder: the publication's.
            overrides: environment variables laid over the process's own.

        Raises:
            ConfigError: settings are wrong.
        """
        given = {**environment(), **(overrides or {})}
        settings = load(folder.resolve(), given)
        changed = _changed(settings.store_url)
        return cls(load(folder.resolve(), given, changed) if changed else settings, overrides, changed)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in ("engine", "store", "jail"):
            if name in self.__dict__:
                getattr(self, name).close()

    @cached_property
    def places(self) -> Places:
        """The tree of regions with the operator's groupings."""
        return Places.load(self.settings.groupings, self.settings.places.within)

    @cached_property
    def taxonomy(self) -> Taxonomy:
        """The themes.

        Raises:
            TaxonomyError: the file cannot be read, or says something wrong.
        """
        name = self.settings.paths.taxonomy
        return load_taxonomy(self.settings.folder / name if name else None)

    @cached_property
    def judge(self) -> Judge:
        """The classifier."""
        return Judge(self.places, self.taxonomy, learned=self.settings.classify.learned)

    @cached_property
    def store(self) -> Store:
        """The database, migrated.

        Raises:
            StoreError: it cannot be opened or migrated.
        """
        self._make_state()
        store = Store.open(self.settings.store_url, fingerprints=self.links.fingerprints)
        try:
            store.migrate(site=secrets.token_hex(16), now=now())
        except BaseException:
            store.close()
            raise
        return store

    @cached_property
    def engine(self) -> Engine:
        """Who does work that is due: this process, or any worker on the same PostgreSQL.

        Raises:
            ConfigError: what PostgreSQL needs is not installed.
        """
        wanted = self.settings.engine
        return engine_for(self.settings.store_url, lease=wanted.lease, concurrency=wanted.concurrency)

    @cached_property
    def jail(self) -> Jail:
        """The children in which foreign documents are parsed."""
        return Jail()

    @cached_property
    def links(self) -> Links:
        """Signed links, by the publication's key."""
        keys = self.settings.links.secret.split() or [self._key()]
        return Links(self.settings.publication.url, [Key.of(secret) for secret in keys])

    @cached_property
    def renderer(self) -> Renderer:
        """Templates: the publication's own first, then those that ship.

        Raises:
            TemplateError: a template cannot be read.
        """
        own = self.settings.folder / self.settings.paths.templates
        return Renderer(
            publication=self.settings.publication,
            template_folders=[folder for folder in (own, shipped("templates")) if folder.is_dir()],
            locale_folder=shipped("locale"),
            places=self.places,
            themes={theme.id: theme for theme in self.taxonomy},
            token=lambda: secrets.token_hex(16),
            edition_url=self.links.online,
        )

    def transport(self, sessions: int = 0) -> Transport:
        """The SMTP server of the settings, or the Maildir while none is set; with so many sessions, or as settings say.

        Raises:
            ConfigError: credentials would go in the clear, or certificates cannot be read.
        """
        mail = self.settings.mail
        sign = None if self.signer is None else self.signer.sign
        if not mail.host:
            return MaildirTransport(self.settings.state / mail.maildir, sign=sign)
        transport = SMTPTransport(
            mail.host,
            mail.port,
            security=mail.security.value,
            username=mail.username,
            password=mail.password,
            sessions=sessions or mail.sessions,
            chunking=mail.chunking,
            sign=sign,
            timeouts=Timeouts(connect=mail.timeout, command=mail.timeout, final=mail.timeout),
            ca_file=self.settings.folder / mail.certificates if mail.certificates else None,
        )
        if "metrics" not in self.__dict__:  # nobody counts in this process
            return transport
        return TimedTransport(transport, partial(self.metrics.copy_took, f"{mail.host}:{mail.port}"))

    def sender(self, edition_id: str, span: Span, place: int, parts: int) -> Child:
        """How the process is started that sends one of so many ranges, with its share of the limits."""
        mail = self.settings.mail
        sessions = mail.sessions // parts + (place < mail.sessions % parts)
        limits = {"DIGEST_MAIL_SESSIONS": str(sessions), "DIGEST_MAIL_RATE": str(mail.rate / parts)}
        where = ["--folder", str(self.settings.folder)]
        numbers = [str(number) for number in (span.first, span.last, span.turn)]
        return Child(
            arguments=[sys.executable, "-m", "digest", *where, "send-range", edition_id, *numbers],
            environment={**environment(), **self._overrides, **limits},
        )

    def fetcher(self) -> Fetcher:
        """A client for what sources have on the network, for one event loop.

        Raises:
            ConfigError: the certificates cannot be read.
        """
        wanted = self.settings.fetch
        path = self.settings.folder / wanted.certificates if wanted.certificates else None
        if path is not None and not path.is_file():
            raise ConfigError(f"fetch.certificates: {path}: no such file")
        publication = self.settings.publication
        return Fetcher(
            Guard(wanted.allow),
            agent=user_agent(publication.title, wanted.contact or publication.url, version()),
            clock=now,
            certificates=str(path or ""),
        )

    @cached_property
    def live(self) -> LiveSources:
        """The sources that are asked over the network."""
        return LiveSources(
            settings=self.settings,
            store=self.store,
            jail=self.jail,
            fetcher=self.fetcher,
            clock=now,
            random=_RANDOM.random,
        )

    def inbox(self) -> Inbox | None:
        """Where letters to the unsubscribe address lie; None where settings name no place."""
        return self._mailbox("inbox", self.settings.inbox)

    def bounce_box(self) -> Inbox | None:
        """Where mail that comes back lies; None where settings name no place."""
        return self._mailbox("bounces", self.settings.bounces)

    def _mailbox(self, setting: str, wanted: InboxSettings) -> Inbox | None:
        if wanted.maildir:
            return MaildirInbox(self.settings.folder / wanted.maildir, setting)
        if not wanted.host:
            return None
        return IMAPInbox(
            wanted.host,
            wanted.port,
            security=wanted.security.value,
            username=wanted.username,
            password=wanted.password,
            folder=wanted.folder,
            timeout=wanted.timeout,
            ca_file=self.settings.folder / wanted.certificates if wanted.certificates else None,
            setting=setting,
        )

    @cached_property
    def returned(self) -> ReturnedMail:
        """What comes back: whose copy it was, and who is not written to any more."""
        return ReturnedMail(
            settings=self.settings,
            store=self.store,
            links=self.links,
            jail=self.jail,
            inbox=self.bounce_box,
            clock=now,
        )

    @cached_property
    def metrics(self) -> Metrics:
        """Figures of this process and of the store, for Prometheus."""
        from digest.metrics import Metrics  # noqa: PLC0415 - its client takes long to load, and only `digest run` counts

        return Metrics(lambda: look(self.store, self.settings, now(), unarmed=self.unarmed()))

    @cached_property
    def signer(self) -> Signer | None:
        """What signs mail; None while no key is set.

        Raises:
            ConfigError: the key cannot be read, or is not what the settings say.
        """
        wanted = self.settings.dkim
        if not wanted.key_file:
            return None
        try:
            pem = (self.settings.folder / wanted.key_file).read_bytes()
        except OSError as error:
            raise ConfigError(f"dkim.key_file: {wanted.key_file}: {error.strerror}") from error
        domain = wanted.domain or self.settings.publication.sender.rpartition("@")[2]
        signer = Signer(domain, wanted.selector, pem)
        if wanted.algorithm not in {"", signer.algorithm}:
            raise ConfigError(f"dkim.algorithm: {wanted.algorithm}, but the key is for {signer.algorithm}")
        return signer

    @cached_property
    def fence(self) -> Fence:
        """What keeps a copy of this installation from sending."""
        named = self.settings.delivery.site_file
        home = environment().get("XDG_STATE_HOME") or "~/.local/state"
        path = (
            self.settings.folder / named if named else Path(home).expanduser() / "digest" / f"{self.store.site()}.json"
        )
        return Fence(path, self.store.binding.arm)

    def check_site(self) -> None:
        """Let this installation send, and note where it is.

        Raises:
            StateError: it is a copy of another, or an older state of itself; an operator has to decide (`digest arm`).
        """
        self.fence.check(self._standing)

    def unarmed(self) -> str:
        """Why this installation does not send; "" where it does."""
        return str(self.fence.refusal(self._standing) or "")

    def _standing(self) -> Standing:
        store = self.store
        if not store.shared:
            return Standing.here(store.site(), self.settings.state, store.campaigns.progress())
        return Standing.of_server(
            store.site(),
            store.binding.place(),
            store.binding.identity(),
            store.campaigns.progress(),
            armed=store.binding.armed(),
        )

    @cached_property
    def press(self) -> Press:
        """The life of the feeds."""
        return Press(
            settings=self.settings,
            store=self.store,
            places=self.places,
            taxonomy=self.taxonomy,
            renderer=self.renderer,
            links=self.links,
            fetcher=self.fetcher,
            clock=now,
        )

    @cached_property
    def pipeline(self) -> Pipeline:
        """The edition's life, with everything that it needs."""
        return Pipeline(
            settings=self.settings,
            store=self.store,
            places=self.places,
            judge=self.judge,
            renderer=self.renderer,
            links=self.links,
            jail=self.jail,
            live=self.live,
            transport=self.transport,
            sender=self.sender,
            fence=self.fence,
            standing=self._standing,
            press=self.press,
            clock=now,
        )

    @cached_property
    def reception(self) -> Reception:
        """Where requests of the public forms are taken in, and the mails that follow are sent."""
        return Reception(
            settings=self.settings,
            store=self.store,
            links=self.links,
            renderer=self.renderer,
            transport=self.transport,
            may_send=self.check_site,
            clock=now,
            writers={PROOF: self._write_proof},
        )

    def _write_proof(self, notice: Notice, letter: Copy) -> Copy | Skipped:
        return self.letters.write(notice, letter)  # not made before one leaves: most processes send none

    @cached_property
    def letters(self) -> Letters:
        """Mails about one edition: proofs and corrections."""
        return Letters(pipeline=self.pipeline, reception=lambda: self.reception, may_send=self.check_site)

    @cached_property
    def passwords(self) -> Passwords:
        """How operators' passwords are kept."""
        return Passwords()

    @cached_property
    def factor(self) -> Factor:
        """Operators' second factors."""
        return Factor(self.links.sealing_keys(), self.settings.publication.title)

    @cached_property
    def staff(self) -> Staff:
        """The people of the desk."""
        return Staff(self.store, self.passwords, now)

    @cached_property
    def entrance(self) -> Entrance:
        """The door of the desk: sign-in, sessions, tokens."""
        return Entrance(self.store, self.passwords, self.factor, self.settings.console, clock=now)

    @cached_property
    def account(self) -> Account:
        """What operators do to their own account."""
        return Account(self.store, self.passwords, self.factor, now)

    @cached_property
    def desk(self) -> Desk:
        """The operator's acts on editions."""
        return Desk(
            pipeline=self.pipeline,
            letters=lambda: self.letters,
            checking=Checking(pipeline=self.pipeline, signer=lambda: self.signer),
            send=self.send_soon,
            clock=now,
        )

    @cached_property
    def newsroom(self) -> Newsroom:
        """The operator's acts on articles."""
        return Newsroom(
            pipeline=self.pipeline,
            desk=self.desk,
            letters=lambda: self.letters,
            publish=self._publish_soon,
            clock=now,
        )

    def _publish_soon(self) -> None:
        with suppress(Busy):  # the other process, or the next tick, publishes what there is
            self.pipeline.publish()

    @cached_property
    def source_desk(self) -> SourceDesk:
        """The operator's acts on sources."""
        return SourceDesk(settings=self.settings, store=self.store, live=self.live, clock=now)

    @cached_property
    def reader_desk(self) -> ReaderDesk:
        """The operator's acts on readers."""
        return ReaderDesk(
            settings=self.settings,
            store=self.store,
            places=lambda: self.places,
            themes=lambda: {theme.id: theme for theme in self.taxonomy},
            reception=lambda: self.reception,
            clock=now,
        )

    def send_soon(self, edition_id: str) -> None:
        """Tell whoever sends that an edition is due; where nobody hears it, the next tick finds it all the same."""
        self.engine.ask(Work.SEND, edition_id)

    @cached_property
    def intake(self) -> Intake:
        """Where articles go that programs send."""
        return Intake(self.pipeline, now)

    def settings_changed(self) -> bool:
        """Whether operators changed settings at the desk since they were read: then start again."""
        return self.store.overrides.all() != self._changed

    def change_setting(self, path: str, value: str | None, *, by: Actor) -> None:
        """Let a setting be another one from the next start on, for every process; None: what digest.toml says.

        Args:
            path: "operations.alarm": one of those that may be changed at the desk.
            value: as text.
            by: who changes it.

        Raises:
            InputError: the value will not do.
            NotFound: it may not be changed at the desk.
            StateError: the environment says what it is.
        """
        if path not in CHANGEABLE:
            raise NotFound("setting", path, f"change it in {FILE}")
        if (origin := self.settings.origins.get(path, "")).startswith(("environment", "file ")):
            raise StateError(path, f"set by the {origin}", "change it", "change it there")
        kept = self.store.overrides.all()
        wanted = {name: text for name, text in {**kept, path: value}.items() if text is not None}
        try:
            load(self.settings.folder, {**environment(), **self._overrides}, wanted)
        except ConfigError as error:
            raise InputError("; ".join(error.problems)) from None
        with self.store.transaction():
            self.store.overrides.set(path, value, by.name, now())
            details = {"before": kept.get(path, ""), "after": value or ""}
            self.store.audit.add(by, "setting.change", path, details, at=now())

    def check(self) -> list[str]:
        """What is wrong beyond what settings alone can tell: regions, themes, templates, folders, transport."""
        problems = [
            f"digests '{rule.key}': section '{section.key}': no region '{code}' (write a code: CN, CN-GD, 030, x-gba)"
            for rule in self.settings.digests
            for section in rule.sections
            for code in (section.region, *(section.pair or ()))
            if code and self.places.find(code) is None
        ]
        problems += [
            f"sources '{source.key}': {source.location} does not exist (make it, or take the source out of {FILE})"
            for source in self.settings.sources
            if not source.live and not source.sent and not (self.settings.folder / source.location).exists()
        ]
        for rule in self.settings.digests:
            self.renderer.materials(rule.template)
        self.transport()
        return problems

    def advice(self) -> list[str]:
        """What is not wrong and could be better: mail that receivers will not tie to its sender (DMARC)."""
        sender = self.settings.publication.sender.rpartition("@")[2]
        bounces = self.settings.mail.return_path.rpartition("@")[2]
        found = []
        if self.signer is not None and not aligned(self.signer.domain, sender):
            found.append(
                f"dkim.domain: {self.signer.domain} is not the sender's {sender}: signatures count for nothing"
            )
        if bounces and not aligned(bounces, sender):
            found.append(f"mail.return_path: {bounces} is not the sender's {sender}: SPF counts for nothing")
        return found

    def _key(self) -> str:
        """The key of the state folder, made at the first need and readable by its owner only.

        Raises:
            ConfigError: the file cannot be read or written, or holds no key.
        """
        self._make_state()
        path = self.settings.state / _KEY_FILE
        if self.settings.store_url.startswith("postgresql") and not path.exists():
            raise ConfigError(
                f"links.secret: is not set, and there is no {path} (where machines share a store they share the key: "
                "set it, 32 characters or more, or copy the file from the first machine)"
            )
        try:
            try:
                descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                key = path.read_text(encoding="ascii").strip()
            else:
                key = secrets.token_hex(32)
                with os.fdopen(descriptor, "w", encoding="ascii") as file:
                    file.write(key + "\n")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: {error}") from error
        if len(key) < 32:
            raise ConfigError(f"{path}: holds no key of at least 32 characters (restore it, or set links.secret)")
        return key

    def _make_state(self) -> None:
        try:
            self.settings.state.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"paths.state: {self.settings.state}: {error.strerror}") from error


def _changed(url: str) -> dict[str, str]:
    """Settings that operators changed at the desk; none where there is no store yet, or where it does not answer."""
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists():
        return {}
    try:
        with Store.open(url, wait=1) as store:
            return store.overrides.all()
    except (StoreError, ConfigError):
        return {}  # whoever needs the store says what is wrong with it
