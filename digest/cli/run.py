"""The process that works by itself, what is due when, and how things stand."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from typing import Annotated, TypeAlias

import typer

from digest import logs
from digest.app import App, now
from digest.cli.base import FAILED, AsJson, cli, opened, print_json, say, show
from digest.cli.completion import DigestKey
from digest.engine import HERE
from digest.model import DeliveryState
from digest.periods import next_runs
from digest.standing import Standing

log = logs.logger("run")
Serve: TypeAlias = Callable[[App, asyncio.Event, Callable[[], None]], Awaitable[None]]
_BAD = ("failing", "quiet", "held", "gone")


@cli.command()
def run(
    context: typer.Context,
    web: Annotated[bool | None, typer.Option(help="Serve pages and feeds; as operations.web says.")] = None,
    scheduler: Annotated[bool | None, typer.Option(help="Look at what is due; as engine.scheduler says.")] = None,
    worker: Annotated[bool | None, typer.Option(help="Do what is due; as engine.worker says.")] = None,
) -> None:
    """Pick up, send what is due, publish and serve, until SIGTERM or Ctrl-C. What is in hand then comes to its end.

    With PostgreSQL, any number of machines may run it, each with some of its three parts.
    """
    given = {"DIGEST_OPERATIONS_WEB": web, "DIGEST_ENGINE_SCHEDULER": scheduler, "DIGEST_ENGINE_WORKER": worker}
    overrides = {name: str(value).lower() for name, value in given.items() if value is not None}
    while _run_once(context, overrides):
        pass  # with the settings as operators changed them meanwhile


def _run_once(context: typer.Context, overrides: dict[str, str]) -> bool:
    """Run until it is asked to stop; whether to start again, since settings were changed at the desk."""
    with opened(context, overrides) as app:
        wanted = app.settings.operations
        logs.set_up(form=wanted.log_format.value, level=wanted.log_level.value, addresses=wanted.log_addresses)
        # The web server and the scheduler take half a second to load, and no other command needs them.
        from digest import schedule  # noqa: PLC0415 - see above

        service = schedule.Service(
            app,
            clock=now,
            serve=listening(app),
            metrics=app.metrics,
            works=None if app.settings.engine.worker else HERE,
            scheduler=app.settings.engine.scheduler,
        )
        return asyncio.run(schedule.run(service, changed=app.settings_changed))


def listening(app: App) -> Serve | None:
    """What this process serves: the pages, or only what machines ask, or nothing."""
    wanted = app.settings.operations
    if not (wanted.web or wanted.probe_port):
        return None
    from digest.web import probe, serve  # noqa: PLC0415 - see above; a machine that only works needs neither

    page = app.metrics.page if wanted.metrics else None
    face = serve if wanted.web else probe
    return functools.partial(face, metrics=page, ready=lambda host, port: log.info("serving", host=host, port=port))


@cli.command("schedule")
def show_schedule(
    context: typer.Context,
    digest: DigestKey = "",
    count: Annotated[int, typer.Option(min=1, max=1000, help="How many runs of each digest.")] = 5,
    as_json: AsJson = False,
) -> None:
    """Show when each digest is due next, and what its edition will cover."""
    with opened(context) as app:
        zone = app.settings.zone
        rules = [app.settings.digest(digest)] if digest else app.settings.digests
        for rule in rules:
            runs = next_runs(rule, zone, now(), count)
            if as_json:
                for one in runs:
                    print_json({"digest": rule.key, "period": one.period.key, "due": one.at, "covers": one.period})
                continue
            rows = [
                (one.period.key, f"{one.at:%a %Y-%m-%d %H:%M %z}", _span(one.period.start, one.period.end))
                for one in runs
            ]
            show(f"{rule.title} ({rule.key}), {app.settings.publication.time_zone}", ("period", "due", "covers"), rows)


def _span(start: datetime, end: datetime) -> str:
    return f"{start:%a %Y-%m-%d %H:%M} to {end:%a %Y-%m-%d %H:%M}"


@cli.command()
def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Say how things stand, in about ten lines. Ends with 1 when something waits for an operator."""
    with opened(context) as app:
        standing = app.standing(count=2)
        if as_json:
            print_json(standing)
        else:
            for text, urgent in _lines(app, standing):
                say(text, style="yellow" if urgent else "")
    if standing.waiting or standing.problems or standing.owed or standing.unarmed:
        raise typer.Exit(FAILED)
    if standing.cramped or standing.full:
        raise typer.Exit(FAILED)


def _lines(app: App, now_: Standing) -> Iterator[tuple[str, bool]]:
    """The lines of `digest status`, and whether each wants a look."""
    zone = app.settings.zone

    def at(moment: datetime) -> str:
        return f"{moment.astimezone(zone):%a %Y-%m-%d %H:%M}"

    yield f"{app.settings.publication.title}, {at(now_.at)} {app.settings.publication.time_zone}", False
    if now_.unarmed:
        yield f"not armed    nothing is sent: {now_.unarmed}", True
    if now_.full:
        yield f"disk         {now_.full}", True
    for folder, free in now_.cramped.items():
        yield f"disk         {_free(free)} free in {folder}: what it cannot keep is not sent; make room", True
    for coming in now_.coming:
        following = ", ".join(f"{run.period.key} at {at(run.at)}" for run in coming.runs)
        yield f"next         {coming.title}: {following}", False
    if now_.owed:
        yield "owed         " + ", ".join(f"{one.digest} {one.period}, due {at(one.due)}" for one in now_.owed), True
    if now_.last is None:
        yield "last         no edition has been sent", False
    else:
        tally = ", ".join(f"{count} {state}" for state, count in now_.last.tally.items() if count)
        one = now_.last.edition
        yield f"last         {one.id} ({one.state}, {at(one.changed)}): {tally or 'no copies'}", _failed(now_)
    depth = sum(queue.depth for queue in now_.queues)
    yield (
        (
            f"queue        {depth} copies in {len(now_.queues)} editions; the oldest due waits {now_.oldest_due:.0f} s"
            if now_.queues
            else "queue        empty"
        ),
        now_.oldest_due > 3600,
    )
    for edition in now_.waiting:
        act = {"paused": "resume"}.get(edition.state.value, "approve")
        yield f"waiting      {edition.id} is {edition.state}: {edition.reason or 'for approval'} (digest {act})", True
    bad = [source for source in now_.sources if source.condition in _BAD]
    yield (
        (
            f"sources      {len(app.settings.sources)} in the settings, {len(now_.sources)} live"
            + (": " + ", ".join(f"{source.key} {source.condition}" for source in bad[:5]) if bad else "")
        ),
        bool(bad),
    )
    newest = f"; newest: {now_.problems[0].origin}: {now_.problems[0].what}" if now_.problems else ""
    yield f"problems     {len(now_.problems)} open{newest[:200]}", bool(now_.problems)
    states = ", ".join(f"{count} {state}" for state, count in now_.subscriptions.items() if count)
    yield f"readers      {states or 'none'}; {now_.suppressions} addresses suppressed", False


def _free(octets: int) -> str:
    return f"{octets / 2**20:.0f} MB are" if octets >= 2**20 else "nothing is"


def _failed(now_: Standing) -> bool:
    if now_.last is None:
        return False
    bad = (DeliveryState.REFUSED, DeliveryState.UNCERTAIN, DeliveryState.BOUNCED)
    return any(now_.last.tally[state] for state in bad)
