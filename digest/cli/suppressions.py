"""Addresses that nobody may write to: listed, looked at, and let in again where the cause permits."""

from __future__ import annotations

from typing import Annotated

import typer

from digest.cli.base import AsJson, By, actor, cli, opened, print_json, say, show
from digest.errors import NotFound

suppressions = typer.Typer(
    help="Suppressions: addresses that no digest writes to, with the evidence.", no_args_is_help=True
)
cli.add_typer(suppressions, name="suppressions")

Address = Annotated[str, typer.Argument(help="E-mail address.")]


@suppressions.command("list")
def list_suppressions(
    context: typer.Context,
    cause: Annotated[str, typer.Option(help="Only of this cause: refused, bounced, complaint, operator, erased.")] = "",
    limit: Annotated[int, typer.Option(help="Rows at most.", min=1)] = 100,
    as_json: AsJson = False,
) -> None:
    """List suppressed addresses, the newest first. Of who was erased only a keyed hash is left."""
    with opened(context) as app:
        found = app.reader_desk.suppressions(cause, limit=limit)
        if as_json:
            for one in found:
                print_json(one)
            return
        show(
            "",
            ("address", "cause", "since", "evidence"),
            [(one.key, one.cause, one.at.astimezone(app.settings.zone), one.evidence) for one in found],
        )
        if not found:
            say("No address is suppressed.")


@suppressions.command("add")
def add_suppression(
    context: typer.Context,
    address: Address,
    reason: Annotated[str, typer.Option(help="Why, for who looks at it later.")],
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Let no digest write to an address any more; its subscriptions stay as they are."""
    with opened(context) as app:
        app.reader_desk.suppress(address, reason, by=actor(by))
        known = app.store.subscribers.suppression(address)
    if as_json:
        print_json(known)
    else:
        say(f"nobody writes to {address} any more")


@suppressions.command("show")
def show_suppression(context: typer.Context, address: Address, as_json: AsJson = False) -> None:
    """Say why nobody writes to an address."""
    with opened(context) as app:
        known = app.store.subscribers.suppression(address)
    if known is None:
        raise NotFound("suppression", address, "`digest suppressions list` shows them")
    if as_json:
        print_json(known)
        return
    say(f"{known.cause} since {known.at:%Y-%m-%d %H:%M} UTC{f': {known.evidence}' if known.evidence else ''}")


@suppressions.command("lift")
def lift_suppression(
    context: typer.Context,
    address: Address,
    reason: Annotated[str, typer.Option(help="Why it is lifted.")],
    evidence: Annotated[
        str, typer.Option(help="Where and when the person asked for mail again; a complaint or an erasure needs it.")
    ] = "",
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Let an address be written to again. Kept on record with the reason; no subscription is begun by it."""
    with opened(context) as app:
        known = app.reader_desk.lift(address, reason, evidence=evidence, by=actor(by))
    if as_json:
        print_json(known)
    else:
        say(f"lifted: {known.cause} since {known.at:%Y-%m-%d}")
