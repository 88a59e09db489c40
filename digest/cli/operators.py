"""Who works the desk, from the command line: the first operator can be made nowhere else; and tokens for programs."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from digest.app import App
from digest.cli.base import AsJson, actor, cli, opened, print_json, say, show
from digest.errors import InputError
from digest.model import Operator, OperatorRole, Permission
from digest.operators import LINK_LIFE

operators = typer.Typer(
    help="Operators of the desk (/console): who may sign in, and what they may do.", no_args_is_help=True
)
tokens = typer.Typer(help="Tokens by which programs use the API in an operator's name.", no_args_is_help=True)
cli.add_typer(operators, name="operators")
cli.add_typer(tokens, name="tokens")

Address = Annotated[str, typer.Argument(help="The operator's e-mail address.")]
Asked = Annotated[bool, typer.Option("--password", help="Ask for a password here, instead of making a link.")]


@operators.command("add")
def add_operator(
    context: typer.Context,
    address: Address,
    role: Annotated[
        OperatorRole,
        typer.Option(help="editor: articles and drafts; publisher: approves, sends, keeps readers; admin: all."),
    ] = OperatorRole.EDITOR,
    name: Annotated[str, typer.Option(help="As it stands on the desk; the address when left out.")] = "",
    password: Asked = False,
) -> None:
    """Let somebody work the desk. Prints a link by which they choose a password; it works once, for 24 hours."""
    with opened(context) as app:
        one, secret = app.staff.add(address, role, by=actor(), name=name)
        say(f"{one.address} is {one.role}", style="green")
        _give(app, one, secret, asked=password)


@operators.command("list")
def list_operators(context: typer.Context, as_json: AsJson = False) -> None:
    """List operators: role, state, second factor, and when they last signed in."""
    with opened(context) as app:
        found = app.staff.list()
    if as_json:
        for one in found:
            print_json(one)
        return
    rows = [(one.address, one.name, one.role, one.state, "yes" if one.second_factor else "", one.seen) for one in found]
    show("", ("Address", "Name", "Role", "State", "Second factor", "Last signed in"), rows)
    if not found:
        say("nobody yet: `digest operators add ADDRESS --role admin`")


@operators.command("role")
def set_role(
    context: typer.Context, address: Address, role: Annotated[OperatorRole, typer.Argument(help="The new role.")]
) -> None:
    """Give an operator another role; their sessions end."""
    with opened(context) as app:
        one = app.staff.set_role(app.staff.find(address).id, role, by=actor())
    say(f"{one.address} is {one.role}", style="green")


@operators.command()
def disable(context: typer.Context, address: Address) -> None:
    """Let an operator sign in no more; sessions and tokens end at once."""
    with opened(context) as app:
        app.staff.disable(app.staff.find(address).id, by=actor())
    say("disabled", style="green")


@operators.command()
def enable(context: typer.Context, address: Address, password: Asked = False) -> None:
    """Let a disabled operator in again, by a new link."""
    with opened(context) as app:
        one = app.staff.find(address)
        _give(app, one, app.staff.enable(one.id, by=actor()), asked=password)


@operators.command()
def reset(
    context: typer.Context,
    address: Address,
    second_factor: Annotated[
        bool, typer.Option("--second-factor", help="Take the second factor away, for who lost app and recovery codes.")
    ] = False,
    password: Asked = False,
) -> None:
    """Make a new link for who forgot the password, or has not used the first one in time; sessions end."""
    with opened(context) as app:
        one = app.staff.find(address)
        _give(app, one, app.staff.reset(one.id, by=actor(), factor=second_factor), asked=password)


@tokens.command("add")
def add_token(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Which program will use it.")],
    operator: Annotated[str, typer.Option(help="Address of the operator in whose name it acts.")],
    scope: Annotated[list[Permission], typer.Option(help="What it may do; may be given several times.")],
    days: Annotated[int, typer.Option(help="Days for which it works; 0: until it is ended.")] = 90,
) -> None:
    """Make a token. Its text is printed once, and kept nowhere."""
    with opened(context) as app:
        one = app.staff.find(operator)
        token, text = app.account.add_token(one, name, scope, days=days or None, by=actor())
    say(f"token {token.id} for {one.address}: keep it where only the program reads it", style="green")
    typer.echo(text)


@tokens.command("list")
def list_tokens(context: typer.Context, as_json: AsJson = False) -> None:
    """List tokens: whose, for what, until when, and when they were last used."""
    with opened(context) as app:
        found = app.store.operators.tokens()
        people = {one.id: one.address for one in app.staff.list()}
    if as_json:
        for one in found:
            print_json(one)
        return
    rows = [
        (one.id, one.name, people[one.operator], " ".join(sorted(one.scopes)), one.expires, one.used, one.ended)
        for one in found
    ]
    show("", ("Id", "Name", "Operator", "Scopes", "Expires", "Last used", "Ended"), rows)


@tokens.command("end")
def end_token(context: typer.Context, number: Annotated[int, typer.Argument(help="The token's id.")]) -> None:
    """End a token at once."""
    with opened(context) as app:
        owner = next((one.operator for one in app.store.operators.tokens() if one.id == number), 0)
        app.account.end_token(app.staff.get(owner), number, by=actor())
    say("ended", style="green")


def _give(app: App, one: Operator, secret: str, *, asked: bool) -> None:
    """The way in: a password typed here, or a link to pass on."""
    if asked:
        if not sys.stdin.isatty():
            raise InputError("nobody is there to be asked", remedy="leave --password out, and use the link")
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        app.staff.set_password(one.id, password, by=actor())
        say("the password is set", style="green")
        return
    say(f"a password is chosen here, once, within {LINK_LIFE.total_seconds() / 3600:.0f} hours:")
    typer.echo(f"{app.settings.publication.url}/console/welcome/{secret}")
