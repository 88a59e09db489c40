"""The only wiring: settings in, a publication ready to work out. Rooms are made when they are first asked for."""

from __future__ import annotations

import random
import secrets
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property, partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from digest.app.changing import change_setting
from digest.app.checking import misaligned, missing_folders, unknown_regions
from digest.app.edge import environment, now
from digest.app.outside import fetcher_of, mailbox_of, sender_of, signer_of, transport_of
from digest.app.state import changed_at_desk, key_of, make_state, room_of
from digest.classify import Judge, Taxonomy, load_taxonomy
from digest.deliver import (
    Child,
    Fence,
    Inbox,
    Signer,
    Standing,
    TimedTransport,
    Transport,
)
from digest.desk import Checking, Desk, Newsroom, ReaderDesk, SourceDesk
from digest.desk.intake import Intake
from digest.engine import Engine, Work, engine_for
from digest.errors import Busy
from digest.fetch import Fetcher
from digest.jail import Jail
from digest.letters import PROOF, Letters
from digest.links import Key, Links
from digest.model import Actor, Copy, Skipped
from digest.operators import Account, Entrance, Factor, Passwords, Staff
from digest.pipeline import Pipeline
from digest.places import Places
from digest.publishing import Press
from digest.render import Renderer
from digest.settings import Settings, load, shipped
from digest.sources import LiveSources
from digest.standing import Standing as Overview
from digest.standing import look
from digest.store import Notice, Span, Store
from digest.subscriptions import Reception, ReturnedMail

if TYPE_CHECKING:
    from digest.metrics import Metrics

_RANDOM: Final = random.Random()  # noqa: S311 - spreads polls; it guards nothing, and the system's costs a call each


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
        changed = changed_at_desk(settings.store_url)
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
        make_state(self.settings)
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
        keys = self.settings.links.secret.split() or [key_of(self.settings)]
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
        transport = transport_of(self.settings, self.signer, sessions)
        mail = self.settings.mail
        if not mail.host or "metrics" not in self.__dict__:  # nobody counts in this process
            return transport
        return TimedTransport(transport, partial(self.metrics.copy_took, f"{mail.host}:{mail.port}"))

    def sender(self, edition_id: str, span: Span, place: int, parts: int) -> Child:
        """How the process is started that sends one of so many ranges, with its share of the limits."""
        return sender_of(
            self.settings, edition_id, span, place, parts, surroundings={**environment(), **self._overrides}
        )

    def fetcher(self) -> Fetcher:
        """A client for what sources have on the network, for one event loop.

        Raises:
            ConfigError: the certificates cannot be read.
        """
        return fetcher_of(self.settings)

    @cached_property
    def signer(self) -> Signer | None:
        """What signs mail; None while no key is set.

        Raises:
            ConfigError: the key cannot be read, or is not what the settings say.
        """
        return signer_of(self.settings)

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
        return mailbox_of(self.settings.folder, "inbox", self.settings.inbox)

    def bounce_box(self) -> Inbox | None:
        """Where mail that comes back lies; None where settings name no place."""
        return mailbox_of(self.settings.folder, "bounces", self.settings.bounces)

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

        return Metrics(self.standing)

    def standing(self, count: int = 1) -> Overview:
        """How things stand: the store, with so many runs of each digest, and the room on this machine's disks."""
        return look(self.store, self.settings, now(), count=count, unarmed=self.unarmed(), room=self.room())

    def room(self) -> dict[str, int]:
        """Bytes that are free where this machine writes, by folder."""
        return room_of(self.settings, self.fence.file)

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
        """Let a setting be another one from the next start on (`change_setting` of changing.py).

        Raises:
            InputError: the value will not do.
            NotFound: it may not be changed at the desk.
            StateError: the environment says what it is.
        """
        surroundings = {**environment(), **self._overrides}
        change_setting(self.settings, self.store, path, value, by=by, at=now(), surroundings=surroundings)

    def check(self) -> list[str]:
        """What is wrong beyond what settings alone can tell: regions, themes, templates, folders, transport."""
        problems = [*unknown_regions(self.settings, self.places), *missing_folders(self.settings)]
        for rule in self.settings.digests:
            self.renderer.materials(rule.template)
        self.transport()
        return problems

    def advice(self) -> list[str]:
        """What is not wrong and could be better."""
        return list(misaligned(self.settings, self.signer))
