"""What the commands say to people on standard error, so that standard output stays for data: lists and answers."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)

from api.terminal import visible_lines

console = Console(stderr=True, highlight=False)


class Failure(Exception):
    """The command could not do (all of) what it was asked; the message says what and what to do."""


class WrongUse(Failure):
    """What was asked makes no sense, such as a rule that there is not; exit status 2."""


def show_line(text: str) -> None:
    """A line or more of what was asked for, on standard output; control characters are shown as escapes."""
    typer.echo(visible_lines(text))


def say(text: str) -> None:
    """A line or more to the person at the terminal; markup in it is shown as text, and control characters as escapes:
    it may quote anybody."""
    console.print(visible_lines(text), markup=False, soft_wrap=True)


def stay_out(refused: int) -> str:
    """The end of a line of figures: how many had to go once and are not taken in again; nothing for none."""
    return f", {refused:,} deleted before and kept out" if refused else ""


@contextmanager
def progress(*, percent: bool = False) -> Iterator[Progress]:
    """Bars for work that may take long, in things done or in per cent; on a pipe only the last state is printed."""
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn() if percent else MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    ) as bars:
        yield bars
