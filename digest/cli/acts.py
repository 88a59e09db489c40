"""What an operator does to the stories of a draft. Each act is kept with who and when; the draft is composed again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, TypeAlias

import typer

from digest.app import App
from digest.cli.base import AsJson, By, actor, cli, opened, print_json, say, show
from digest.cli.completion import EditionId, Section
from digest.cli.looking import show_composed
from digest.errors import ConfigError, InputError
from digest.model import Actor, Revision, Skipped

Story = Annotated[str, typer.Argument(help="A story's key, as `digest preview` lists it, or the uid of its article.")]
Composed: TypeAlias = Revision | Skipped


def _act(context: typer.Context, edition: str, by: str, as_json: bool, do: Callable[[App, Actor], Composed]) -> None:
    with opened(context) as app:
        show_composed(app, edition, do(app, actor(by)), as_json=as_json)


@cli.command()
def pin(context: typer.Context, edition: EditionId, story: Story, by: By = "", as_json: AsJson = False) -> None:
    """Make a story the editor's choice of a draft."""
    _act(context, edition, by, as_json, lambda app, who: app.desk.pin(edition, story, by=who))


@cli.command()
def unpin(context: typer.Context, edition: EditionId, story: Story, by: By = "", as_json: AsJson = False) -> None:
    """Take the pin of a story back."""
    _act(context, edition, by, as_json, lambda app, who: app.desk.unpin(edition, story, by=who))


@cli.command()
def drop(
    context: typer.Context,
    edition: EditionId,
    story: Story,
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Leave a story out of a draft."""
    _act(context, edition, by, as_json, lambda app, who: app.desk.drop(edition, story, reason, by=who))


@cli.command("take-in")
def take_in(context: typer.Context, edition: EditionId, story: Story, by: By = "", as_json: AsJson = False) -> None:
    """Take a story into a draft that was left out of it."""
    _act(context, edition, by, as_json, lambda app, who: app.desk.take_in(edition, story, by=who))


@cli.command()
def move(
    context: typer.Context,
    edition: EditionId,
    story: Story,
    section: Section = "",
    theme: Annotated[str | None, typer.Option(help="Id of the theme to stand under; empty for none.")] = None,
    place: Annotated[int, typer.Option(min=0, help="Place within its theme, from 1; 0: by rank.")] = 0,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Put a story of a draft under another section or theme, or in another place."""
    with opened(context) as app:
        rule = app.settings.digest(app.store.editions.get(edition).edition.digest)
        keys = [one.key for one in rule.sections]
        if section and section not in keys:
            raise ConfigError(f"no section '{section}' in digest '{rule.key}' (there are: {', '.join(keys)})")
        came = app.desk.move(edition, story, section=section, theme=theme, place=place, by=actor(by))
        show_composed(app, edition, came, as_json=as_json)


@cli.command()
def retitle(
    context: typer.Context,
    edition: EditionId,
    story: Story,
    title: Annotated[str, typer.Argument(help="The headline.")],
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Print another headline over a story of a draft."""
    _act(context, edition, by, as_json, lambda app, who: app.desk.retitle(edition, story, title, by=who))


@cli.command()
def summary(
    context: typer.Context,
    edition: EditionId,
    story: Story,
    text: Annotated[str, typer.Argument(help="The summary, in a sentence or two.")],
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Print another summary of a story of a draft."""
    _act(context, edition, by, as_json, lambda app, who: app.desk.summarize(edition, story, text, by=who))


@cli.command()
def merge(
    context: typer.Context,
    edition: EditionId,
    story: Story,
    into: Annotated[str, typer.Argument(help="The story that shall tell it, too.")],
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Let one story of a draft be told by another; its articles stand there as "also reported by"."""
    _act(context, edition, by, as_json, lambda app, who: app.desk.merge(edition, story, into, by=who))


@cli.command()
def split(
    context: typer.Context,
    edition: EditionId,
    article: Annotated[str, typer.Argument(help="The uid of an article of a story.")],
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Let an article of a draft tell a story of its own."""
    _act(context, edition, by, as_json, lambda app, who: app.desk.split(edition, article, by=who))


@cli.command()
def note(
    context: typer.Context,
    edition: EditionId,
    text: Annotated[str, typer.Argument(help="Plain text; empty takes it away.")],
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Set the editor's note of a draft."""
    _act(context, edition, by, as_json, lambda app, who: app.desk.note(edition, text, by=who))


@cli.command()
def undo(
    context: typer.Context,
    edition: EditionId,
    story: Annotated[str, typer.Argument(help="A story's key: all that was decided about it.")] = "",
    act: Annotated[int, typer.Option(help="One act, by its number in `digest acts`.")] = 0,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Take back what was decided about a story of a draft, or one act."""
    if bool(story) == bool(act):
        raise InputError("say what to take back", remedy="a story, or --act with a number of `digest acts`")
    with opened(context) as app:
        before = _taken_back(app, edition)
        desk, who = app.desk, actor(by)
        came = desk.undo(edition, act, by=who) if act else desk.undo_story(edition, story, by=who)
        if not as_json:
            say(f"{_taken_back(app, edition) - before} decisions taken back")
        show_composed(app, edition, came, as_json=as_json)


def _taken_back(app: App, edition: str) -> int:
    return sum(one.undone is not None for one in app.desk.acts(edition))


@cli.command()
def acts(context: typer.Context, edition: EditionId, as_json: AsJson = False) -> None:
    """List what was decided about an edition, oldest first, with who and when; what was taken back too."""
    with opened(context) as app:
        app.store.editions.state(edition)
        found = app.desk.acts(edition)
    if as_json:
        for one in found:
            print_json(one)
        return
    rows = [
        (
            one.id,
            one.at,
            one.by,
            one.act,
            one.story,
            ", ".join(f"{name}: {value}" for name, value in one.payload.items()),
            f"taken back by {one.undone_by}" if one.undone else "",
        )
        for one in found
    ]
    show("", ("no.", "when", "who", "act", "story", "what", ""), rows)
    if not found:
        say("Nothing was decided: it is as it was composed.")
