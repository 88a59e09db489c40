"""Articles as the desk sees them: find, look, send one in, hold, withdraw, correct; and what happened, for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from digest.cli.articles import open_document, show_article, show_judgement
from digest.cli.base import FAILED, AsJson, By, actor, cli, complain, opened, print_json, say, show
from digest.cli.completion import sources
from digest.errors import InputError
from digest.pickup.document import MAX_BYTES
from digest.store import Change
from digest.store.cards import Mark, Sought

articles = typer.Typer(
    help="Articles: find them, look at one, send one in, hold, withdraw and correct them.", no_args_is_help=True
)
cli.add_typer(articles, name="articles")

Uid = Annotated[str, typer.Argument(help="An article's uid, as `digest articles list` shows it.")]
Why = Annotated[str, typer.Option("--reason", help="Why, for who looks at it later.")]


@articles.command("list")
def list_articles(
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="Words of the title, the text, the publisher.")] = "",
    source: Annotated[str, typer.Option(help="Only of this source.", autocompletion=sources)] = "",
    region: Annotated[str, typer.Option(help="Only what is about this region: a code or a name.")] = "",
    theme: Annotated[str, typer.Option(help="Only of this theme: an id or a name.")] = "",
    mark: Annotated[Mark | None, typer.Option(help="Only what is so.")] = None,
    since: Annotated[datetime | None, typer.Option(help="Dated from this day on.")] = None,
    until: Annotated[datetime | None, typer.Option(help="Dated before this day.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Rows at most.")] = 50,
    after: Annotated[int, typer.Option(help="Go on behind this number, the last one of the page before.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Find articles, newest first.

    Example: digest articles list ferry --region Guangdong --since 2018-07-16
    """
    with opened(context) as app:
        zone = app.settings.zone
        place = app.places.resolve(region) if region else None
        if region and place is None:
            raise InputError(f"no region '{region}'", where="--region", remedy="write a code or a name")
        subject = app.taxonomy.resolve(theme) if theme else None
        if theme and subject is None:
            known = ", ".join(one.id for one in app.taxonomy)
            raise InputError(f"no theme '{theme}'", where="--theme", remedy=f"there are: {known}")
        found = app.store.cards.find(
            Sought(
                text=text,
                source=source,
                region=place.code if place else "",
                theme=subject.id if subject else "",
                mark=mark,
                since=since.replace(tzinfo=zone) if since else None,
                until=until.replace(tzinfo=zone) if until else None,
            ),
            after=after,
            limit=limit,
        )
        if as_json:
            for number, card in found:
                print_json({"number": number, "article": card})
            return
        rows = [
            (card.uid, card.when.astimezone(zone), card.publisher or card.source, " ".join(card.marks), card.title)
            for _number, card in found
        ]
    show("", ("uid", "when", "publisher", "", "headline"), rows)
    if len(found) == limit:
        say(f"There may be more: --after {found[-1][0]}")


@articles.command("show")
def show_one(context: typer.Context, uid: Uid, as_json: AsJson = False) -> None:
    """Show an article: its text, how it was judged and why, its versions, what was decided, and where it stood."""
    with opened(context) as app:
        look = app.newsroom.look(uid)
        if as_json:
            print_json({**{name: getattr(look, name) for name in look.__dataclass_fields__}, "uid": uid})
            return
        show_article(look.article)
        say()
        if look.judgement is not None:
            show_judgement(app, look.judgement)
        say(
            f"  version {look.article.version} of {len(look.versions)}; {', '.join(look.marks) or 'nothing remarkable'}"
        )
        for act in look.acts:
            say(f"  {act.at:%Y-%m-%d %H:%M} {act.by}: {act.act}{' (taken back)' if act.undone else ''}")
        for placement in look.placements:
            say(f"  {placement.edition} ({placement.state}): {placement.section or 'left out'}")


@articles.command("add")
def add(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="JSON: our own form, ninjs, or a list; - is standard input.")],
    source: Annotated[
        str,
        typer.Option(help='Key of a source of kind "api"; not needed if it is the only one.', autocompletion=sources),
    ] = "",
    whole: Annotated[bool, typer.Option("--whole", help="Keep nothing when an entry cannot be used.")] = False,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Keep articles that a program or a person wrote down; an article that is known becomes a new version.

    Example: echo '{"title": "...", "text": "..."}' | digest articles add -
    """
    with opened(context) as app:
        with open_document(file) as stream:
            data = stream.read(MAX_BYTES + 1)
        done = app.intake.take(source, data, whole=whole, by=actor(by))
    if as_json:
        print_json({"source": done.source, "articles": done.kept, "problems": done.problems})
    else:
        for one in done.kept:
            say(f"{one.change}: {one.uid} version {one.version}: {one.title}")
        for problem in done.problems:
            complain(str(problem))
        say(", ".join(f"{done.count(change)} {change}" for change in Change))
    if done.problems:
        raise typer.Exit(FAILED)


@articles.command()
def hold(context: typer.Context, uid: Uid, reason: Why, by: By = "", as_json: AsJson = False) -> None:
    """Keep an article out of drafts until it is released."""
    with opened(context) as app:
        count = app.newsroom.hold([uid], reason, by=actor(by))
    _tell({"article": uid, "changed": count}, f"{uid} is held", as_json=as_json)


@articles.command()
def release(context: typer.Context, uid: Uid, by: By = "", as_json: AsJson = False) -> None:
    """Let an article that is held, or was withdrawn, into drafts again."""
    with opened(context) as app:
        app.store.articles.get(uid)
        count = app.newsroom.release([uid], by=actor(by))
    _tell({"article": uid, "changed": count}, f"{uid} is free" if count else f"{uid} was free", as_json=as_json)


@articles.command()
def withdraw(context: typer.Context, uid: Uid, reason: Why, by: By = "", as_json: AsJson = False) -> None:
    """Take an article out of everything that has not left: drafts, unsent copies, the archive and the feeds."""
    with opened(context) as app:
        came = app.newsroom.withdraw(uid, reason, by=actor(by))
    revised = ", ".join(came.revised) or "no edition"
    told = {"article": uid, "revised": came.revised, "waiting": came.waiting}
    _tell(told, f"{uid} is withdrawn; revised: {revised}", as_json=as_json)


@articles.command()
def correct(
    context: typer.Context,
    uid: Uid,
    text: Annotated[str, typer.Argument(help="What is right, in a sentence.")],
    title: Annotated[str, typer.Option(help="The right headline.")] = "",
    summary: Annotated[str, typer.Option(help="The right summary.")] = "",
    mail: Annotated[bool, typer.Option("--mail", help="Mail it to who got the article, too, once each.")] = False,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Say what was wrong: it reaches unsent copies, the archive, the feeds, and the next edition's corrections."""
    with opened(context) as app:
        came = app.newsroom.correct(uid, text, title=title, summary=summary, by=actor(by))
        queued = app.newsroom.tell(uid, by=actor(by)) if mail else 0
    revised = ", ".join(came.revised) or "no edition"
    told = {"article": uid, "revised": came.revised, "waiting": came.waiting, "mailed": queued}
    _tell(told, f"{uid} is corrected; revised: {revised}" + (f"; {queued} mails" if mail else ""), as_json=as_json)


def _tell(told: Mapping[str, object], sentence: str, *, as_json: bool) -> None:
    if as_json:
        print_json(told)
    else:
        say(sentence)


@cli.command()
def events(
    context: typer.Context,
    after: Annotated[int, typer.Option(help="Go on behind this number.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Rows at most.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List what happened, oldest first: people's acts, and what became of editions.

    Example: digest events --after 120 --json
    """
    with opened(context) as app:
        found = app.store.events.after(after, limit)
        zone = app.settings.zone
    if as_json:
        for one in found:
            print_json(one)
        return
    rows = [
        (one.id, one.at.astimezone(zone), one.kind, one.subject, one.by, json.dumps(one.details, ensure_ascii=False))
        for one in found
    ]
    show("", ("no.", "when", "what", "of", "by", ""), rows)
