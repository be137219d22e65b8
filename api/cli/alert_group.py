"""What the commands of ``escucha alerts`` share."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from sqlmodel import Session

from alerts.problems import hint
from alerts.registry import RULES
from alerts.text import one_line
from api.cli.output import Failure, WrongUse
from api.cli.setup import prepare
from api.wiring import Installation, install, read_config
from listener.store import brands

group = typer.Typer(
    help="Incidents: see what they are and who was told, act on them, and learn how useful they were.",
    no_args_is_help=True,
)

HIGHEST = 2**63 - 1
"""The largest number either database can hold."""

Number = Annotated[int, typer.Argument(help="The incident's number.", min=1, max=HIGHEST, show_default=False)]

NO_BRANDS = "there are none yet: `escucha run` takes them from escucha.yml"

AsJson = Annotated[bool, typer.Option("--json", help="Print it as JSON, as the API gives it.")]
OfBrand = Annotated[str | None, typer.Option(help="Only of this brand.", show_default=False)]
OfRule = Annotated[str | None, typer.Option(help="Only of this rule.", show_default=False)]


@contextmanager
def installed() -> Iterator[Installation]:
    """The installation, for commands that send nothing themselves."""
    settings = prepare()
    with install(settings, read_config(settings, secrets=False), sending=False) as installation:
        yield installation


def known_rule(name: str | None) -> None:
    """Raises WrongUse for a rule that there is not."""
    if name is not None and name not in RULES:
        raise WrongUse(f"there is no rule {one_line(name)[:80]!r}; {hint(name, RULES)}")


def known_brand(session: Session, name: str | None) -> None:
    """Raises WrongUse for a brand that was never listened for here."""
    if name is None or brands.brand_named(session, name) is not None:
        return
    names = [row.name for row in brands.active_brands(session)]
    raise WrongUse(f"no brand is called {one_line(name)[:80]!r}; " + (hint(name, names) if names else NO_BRANDS))


def not_there(number: int) -> Failure:
    """What is said where there is no such incident."""
    return Failure(f"there is no incident {number}; `escucha alerts list` shows those there are")
