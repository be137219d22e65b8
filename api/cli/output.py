"""What the commands say to people: on standard error, so that standard output stays for data."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

console = Console(stderr=True, highlight=False)


class Failure(Exception):
    """The command could not do (all of) what it was asked; the message says what and what to do."""


def say(text: str) -> None:
    """One line to the person at the terminal; markup in it is shown as text."""
    console.print(text, markup=False, soft_wrap=True)


@contextmanager
def progress() -> Iterator[Progress]:
    """Bars for work that takes more than two seconds; on a pipe only the last state of each is printed."""
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    ) as bars:
        yield bars


def counter(bars: Progress, what: str, total: float | None = None) -> Callable[[int], None]:
    """A bar that is moved on by calling the result with how much more is done."""
    task = bars.add_task(what, total=total)
    return lambda done: bars.advance(task, done)
