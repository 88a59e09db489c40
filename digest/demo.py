"""`digest demo`: the main job once, on the sample articles and readers, and a page that shows what came of it.

The mail goes through a real SMTP conversation to a catcher on a free loopback port. Run again, it finds everything done
and sends nothing.
"""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator, Mapping
from email.message import EmailMessage
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from digest import desk, subscriptions
from digest.app import App, now
from digest.deliver import Catcher
from digest.model import (
    Delivery,
    DeliveryState,
    Edition,
    EditionState,
    Item,
    Period,
    Preferences,
    RegionTag,
    Revision,
    Skipped,
    ThemeTag,
)
from digest.publishing import write
from digest.render import Demo, DemoDelivery, DemoEdition, DemoFact, DemoFile, DemoItem, DemoMail, DemoTag

PERIODS: Final = ("2018-W15", "2018-W29")  # the weeks of the two articles of seeds/
READERS: Final = "subscribers/sample-readers.csv"
MAILDIR: Final = "mail"


def demonstrate(folder: Path, state: str, console: Console) -> bool:
    """Do the main job in a state folder of its own; whether everything came out as it should.

    Args:
        folder: the publication's folder.
        state: the state folder, below it.
        console: where the table goes.

    Raises:
        ConfigError: the publication's settings are wrong.
        DigestError: a step failed as a whole.
    """
    maildir = folder / state / MAILDIR
    maildir.parent.mkdir(parents=True, exist_ok=True)
    with Catcher(maildir) as catcher:
        overrides = {
            "DIGEST_PATHS_STATE": state,
            "DIGEST_STORE_URL": "",
            "DIGEST_DELIVERY_SITE_FILE": f"{state}/site.json",  # a demonstration is bound to nothing
            "DIGEST_MAIL_HOST": catcher.host,
            "DIGEST_MAIL_PORT": str(catcher.port),
            "DIGEST_MAIL_SECURITY": "none",
            "DIGEST_MAIL_USERNAME": "",
        }
        with App.open(folder, overrides) as app:
            return _Demonstration(app, console, f"{catcher.host}:{catcher.port}").run()


class _Demonstration:
    def __init__(self, app: App, console: Console, server: str) -> None:
        self.app = app
        self.console = console
        self.server = server
        self.facts: list[DemoFact] = []
        self.well = True

    def run(self) -> bool:
        """The sentence, step by step, and then the page."""
        self._readers()
        self._articles()
        revisions = [revision for key in PERIODS if (revision := self._edition(key)) is not None]
        published = self.app.pipeline.publish()
        changed = f"{len(published.changed)} changed" if published.changed else "not a byte changed"
        self._fact("Files published", published.files, f"feeds and editions; {changed}")
        self._verify(revisions)
        page = self._page(revisions)
        self._tell(page)
        return self.well

    def _fact(self, name: str, value: object, note: str = "", *, well: bool = True) -> None:
        self.facts.append(DemoFact(name=name, value=str(value), note=note))
        self.well = self.well and well

    def _readers(self) -> None:
        app = self.app
        report = subscriptions.import_csv(
            app.store,
            app.settings.folder / READERS,
            places=app.places,
            themes={theme.id: theme for theme in app.taxonomy},
            digests=[rule.key for rule in app.settings.digests],
            now=now(),
        )
        known = report.imported + report.updated + report.unchanged
        refused = "; ".join(str(line) for line in report.refused)
        self._fact("Readers", known, refused or f"{report.imported} new, from {READERS}", well=not report.refused)

    def _articles(self) -> None:
        done = self.app.pipeline.pick_up()
        judged = self.app.pipeline.classify()
        problems = "; ".join(str(problem) for problem in done.problems)
        waiting = "; ".join(f"{origin} waits: {why}" for origin, why in done.waiting)
        note = problems or waiting or f"{done.edited} edited; {judged} judged by region and theme"
        self._fact("Articles picked up", done.new, note, well=not (problems or waiting))

    def _edition(self, key: str) -> Revision | None:
        """Compose, approve and send the edition of a week; what was sent stays as it is."""
        app = self.app
        rule = app.settings.digests[0]
        revision = app.pipeline.compose(rule, Period.week(key, app.settings.zone))
        if isinstance(revision, Skipped):
            self._fact(f"Edition {key}", "skipped", revision.reason, well=False)
            return None
        edition_id = revision.edition.id
        if revision.state is EditionState.DRAFT:
            revision = self._pinned(revision)
        if revision.state is not EditionState.SENT:
            app.pipeline.approve(revision, by="demo")
            report = app.pipeline.deliver(edition_id)
            for refusal in report.refusals:
                self._fact("Refused", edition_id, refusal, well=False)
        revision = app.store.editions.approved(edition_id)
        tally = app.store.campaigns.tally(edition_id)
        self._fact(
            f"Edition {edition_id}",
            len(revision.edition.items),
            "stories; copies: " + ", ".join(f"{count} {state}" for state, count in tally.items() if count),
            well=revision.state is EditionState.SENT,
        )
        return revision

    def _pinned(self, revision: Revision) -> Revision:
        """An editor's choice, as an operator would make it: the best story about two places."""
        app = self.app
        between = [item for item in revision.edition.items if len(item.story.judgement.regions) > 1]
        if len(revision.edition.items) < 2 or not between:
            return revision
        best = max(between, key=lambda item: (item.score, -item.number))
        desk.pin(app.store, revision.edition.id, best.story.key, by="demo", at=now())
        rule = app.settings.digest(revision.edition.digest)
        again = app.pipeline.compose(rule, revision.edition.period)
        return revision if isinstance(again, Skipped) else again

    # ---- look at what arrived

    def _verify(self, revisions: list[Revision]) -> None:
        """Every accepted copy is in the Maildir, once."""
        arrived = [message["Message-ID"] for _path, message in self._mails()]
        accepted = [
            one.message_id
            for revision in revisions
            for one in self._deliveries(revision.edition)
            if one.state is DeliveryState.ACCEPTED
        ]
        well = sorted(arrived) == sorted(accepted) and len(set(arrived)) == len(arrived)
        note = "each accepted copy once" if well else f"{len(accepted)} copies were accepted"
        self._fact("Mails in the Maildir", len(arrived), note, well=well)

    def _mails(self) -> Iterator[tuple[Path, EmailMessage]]:
        root = self.app.settings.state / MAILDIR
        for part in ("new", "cur"):
            for path in sorted((root / part).glob("*")):
                with path.open("rb") as file:
                    yield path, email.message_from_binary_file(file, policy=email.policy.default)

    def _deliveries(self, edition: Edition) -> tuple[Delivery, ...]:
        return self.app.store.campaigns.deliveries(edition.id, limit=1000)

    # ---- show it

    def _page(self, revisions: list[Revision]) -> Path:
        app = self.app
        demo = Demo(
            title=f"{app.settings.publication.title}: the main job, once",
            lead=(
                "Articles were picked up from seeds/, filed by region and theme, composed into two weekly editions, "
                f"sent copy by copy to {self.server}, which keeps what arrives in a Maildir, and published as feeds."
            ),
            facts=tuple(self.facts),
            mails=tuple(self._shown_mails(revisions)),
            feeds=tuple(self._feeds()),
            editions=tuple(self._shown_edition(revision.edition) for revision in revisions),
            ledger=tuple(
                self._shown_delivery(one) for revision in revisions for one in self._deliveries(revision.edition)
            ),
        )
        path = app.settings.state / "index.html"
        write(path, app.renderer.page("demo/index.html", {"demo": demo}).encode())
        return path

    def _shown_mails(self, revisions: list[Revision]) -> Iterator[DemoMail]:
        state = self.app.settings.state
        deliveries = {one.message_id: one for revision in revisions for one in self._deliveries(revision.edition)}
        editions = {revision.edition.id: revision.edition for revision in revisions}
        arrived = {str(message["Message-ID"]): (path, message) for path, message in self._mails()}
        for message_id, delivery in deliveries.items():
            if message_id not in arrived:
                continue
            path, message = arrived[message_id]
            plain, html = (message.get_body(preferencelist=(kind,)) for kind in ("plain", "html"))
            if plain is None or html is None:
                continue
            subscription = self.app.store.subscribers.get(delivery.subscription)
            shown = f"mails/{editions[delivery.edition].period.key}-{delivery.subscription}.html"
            write(state / shown, html.get_content().encode())
            yield DemoMail(
                edition=delivery.edition,
                reader=subscription.name,
                address=delivery.address,
                subject=str(message["Subject"]),
                choice=self._choice(subscription.preferences),
                items=self._count(editions[delivery.edition], subscription.preferences),
                html=shown,
                text=plain.get_content(),
                message=path.relative_to(state).as_posix(),
            )

    def _count(self, edition: Edition, preferences: Preferences) -> int:
        chosen = self.app.pipeline.selected(edition, preferences)
        return 0 if isinstance(chosen, Skipped) else len(chosen.items)

    def _choice(self, preferences: Preferences) -> str:
        regions = ", ".join(self.app.places.name(code) for code in preferences.regions) or "all regions"
        themes = ", ".join(self.app.taxonomy.name(theme) for theme in preferences.themes) or "all themes"
        return " · ".join(part for part in (regions, themes, preferences.language, preferences.length.value) if part)

    def _feeds(self) -> Iterator[DemoFile]:
        state = self.app.settings.state
        for path in sorted((state / "feeds").rglob("*"), key=lambda path: (len(path.parts), path)):
            if path.is_file() and not path.name.startswith("."):
                name = path.relative_to(state).as_posix()
                yield DemoFile(name=name.removeprefix("feeds/"), path=name, note=f"{path.stat().st_size:,} bytes")

    def _shown_edition(self, edition: Edition) -> DemoEdition:
        return DemoEdition(
            id=edition.id,
            title=f"{edition.title} no. {edition.number}, {edition.period.key}",
            files=tuple(
                DemoFile(name=f"{edition.id}.{kind}", path=f"editions/{edition.id}.{kind}") for kind in ("html", "txt")
            ),
            items=tuple(
                self._shown_item(item, section.names.get("en", section.key))
                for section in edition.sections
                for item in section.items
            ),
            left_out=tuple((one.title, one.reason) for one in edition.left_out),
        )

    def _shown_item(self, item: Item, section: str) -> DemoItem:
        judgement = item.story.judgement
        return DemoItem(
            number=item.number,
            title=item.story.lead.title,
            section=section,
            theme=self.app.taxonomy.name(item.theme) if item.theme else "",
            regions=tuple(self._tag(tag, self.app.places.name(tag.region), tag.role) for tag in judgement.regions),
            themes=tuple(self._tag(tag, self.app.taxonomy.name(tag.theme)) for tag in judgement.themes),
            why=item.why,
            language=item.story.lead.language,
        )

    @staticmethod
    def _tag(tag: RegionTag | ThemeTag, name: str, role: str = "") -> DemoTag:
        evidence = tuple(f"{one.where}: “{one.text}” ({one.rule})" for one in tag.evidence)
        return DemoTag(name=name, role=role, score=tag.score, evidence=evidence)

    def _shown_delivery(self, one: Delivery) -> DemoDelivery:
        at = one.finished_at.astimezone(self.app.settings.zone) if one.finished_at else None
        return DemoDelivery(
            address=one.address,
            edition=one.edition,
            state=one.state,
            reply=one.reason or one.reply,
            message_id=one.message_id,
            at=f"{at:%Y-%m-%d %H:%M:%S %z}" if at else "",
            attempts=one.attempts,
        )

    def _tell(self, page: Path) -> None:
        table = Table(box=None, header_style="bold")
        for column in ("what", "how many", ""):
            table.add_column(column, overflow="fold")
        for fact in self.facts:
            table.add_row(*(text.replace("[", "\\[") for text in (fact.name, fact.value, fact.note)))
        self.console.print(table)
        state = self.app.settings.state
        where: Mapping[str, Path] = {
            "open": page,
            "mails": state / MAILDIR,
            "feeds": state / "feeds" / "atom.xml",
            "editions": state / "editions",
        }
        for name, path in where.items():
            self.console.print(f"{name + ':':<10}{path}", markup=False, highlight=False, soft_wrap=True)
