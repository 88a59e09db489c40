"""The publication as a whole: begin one, check it, catch mail, see the whole job done."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Annotated

import typer

from digest import deliver
from digest.cli.base import FAILED, USAGE, AsJson, cli, complain, console, opened, print_json, say, show
from digest.demo import demonstrate
from digest.errors import ConfigError
from digest.settings import FILE, shipped


@cli.command()
def init(
    folder: Annotated[Path, typer.Argument(help="The folder to make; it may exist, but not hold a digest.toml.")],
    as_json: AsJson = False,
) -> None:
    """Begin a publication: settings, sample articles and sample readers in a folder of its own."""
    if (folder / FILE).exists():
        raise ConfigError(f"{folder / FILE} exists (choose another folder, or edit it)")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(shipped(FILE), folder / FILE)
        for name in ("seeds", "subscribers"):
            shutil.copytree(shipped(name), folder / name, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".*"))
        (folder / ".gitignore").write_text("/var/\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{error.filename}: {error.strerror}") from error
    if as_json:
        print_json({"folder": folder, "settings": folder / FILE})
        return
    say(f"{folder} is a publication now. Next:")
    say(f"  edit {folder / FILE}: title, url, sender, postal_address; then samples = false")
    say(f"  digest -C {folder} check")
    say(f"  digest -C {folder} subscribers import subscribers/sample-readers.csv")
    say(f"  digest -C {folder} send --period 2018-W29")


@cli.command()
def check(
    context: typer.Context,
    as_json: AsJson = False,
) -> None:
    """Print every setting with its origin (secrets hidden), and say what is wrong and how to mend it."""
    with opened(context) as app:
        problems = app.check()
        rows = list(app.settings.rows())
        if as_json:
            names = ("name", "value", "origin")
            print_json({"settings": [dict(zip(names, row, strict=True)) for row in rows], "problems": problems})
        else:
            show("", ("setting", "value", "from"), rows)
            for problem in problems:
                say(f"wrong: {problem}", style="red")
            for advice in app.advice():
                say(f"better: {advice}", style="yellow")
            if app.signer is not None:
                name, text = app.signer.record
                say(f"To publish in DNS, for DKIM ({app.signer.algorithm}):")
                say(f'  {name}. IN TXT "{text}"' if len(text) < 256 else f"  {name}. IN TXT ({_strings(text)})")
            if not problems:
                where = app.settings.mail.host or f"the Maildir {app.settings.state / app.settings.mail.maildir}"
                say(f"Nothing is wrong. Mail goes to {where}.", style="green")
    if problems:
        raise typer.Exit(USAGE)


def _strings(text: str) -> str:
    """A long TXT record as strings of at most 255 characters (RFC 1035, 3.3.14)."""
    return " ".join(f'"{text[start : start + 255]}"' for start in range(0, len(text), 255))


@cli.command()
def catch(
    maildir: Annotated[Path, typer.Argument(help="The Maildir to keep what arrives in.")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 takes a free one and prints it.")] = 0,
    expose: Annotated[bool, typer.Option(help="Allow an address that is not this machine's own loopback.")] = False,
) -> None:
    """Be an SMTP server that keeps every mail in a Maildir and delivers none, until Ctrl-C."""

    def ready(address: str, number: int) -> None:
        say(f"catching mail on {address}:{number} into {maildir}")

    asyncio.run(deliver.serve(maildir, host=host, port=port, expose=expose, ready=ready))


@cli.command()
def demo(
    context: typer.Context,
    state: Annotated[str, typer.Option(help="Folder for its state, below the publication's.")] = "var/demo",
) -> None:
    """Do the main job once, on the sample articles and readers, through a real SMTP conversation; and show it."""
    if not demonstrate(context.obj.folder, state, console):
        complain("the demonstration did not come out as it should; the table says where")
        raise typer.Exit(FAILED)
