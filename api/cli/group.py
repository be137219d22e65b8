"""The typer application that the subcommands register with."""

from importlib.metadata import version
from typing import Annotated

import typer

app = typer.Typer(
    name="escucha",
    help="Social listening that a team runs itself: mentions collected, scored toward the brand, and a person told.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _tell(wanted: bool) -> None:
    if wanted:
        typer.echo(f"escucha {version('escucha')}")
        raise typer.Exit


@app.callback()
def _root(
    shown: Annotated[
        bool, typer.Option("--version", help="Print the version and end.", callback=_tell, is_eager=True)
    ] = False,
) -> None:
    """Take the options that stand before a command; typer wants a function for them."""
