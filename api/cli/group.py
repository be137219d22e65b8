"""The typer application that the subcommands register with."""

import typer

app = typer.Typer(
    name="escucha",
    help="Social listening that a team runs itself: mentions collected, scored toward the brand, and a person told.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
