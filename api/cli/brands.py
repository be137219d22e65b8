"""``escucha brands``: what is listened for, and where it is not what escucha.yml says."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer
from sqlmodel import Session

from alerts.text import one_line, shorten
from api.cli.alert_group import NO_BRANDS, installed
from api.cli.output import Failure, WrongUse, say, show_line
from api.routes.brands import Brand, edits_of
from api.terminal import json_text
from listener import clock
from listener.store import brand_edits, brands
from listener.store.brand_edits import NotNow
from listener.store.tables import Brand as BrandRow

Name = Annotated[str, typer.Argument(help="The brand's name.", show_default=False)]

_SHOWN = 100


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Brands: what holds, and what was changed over the pages.", no_args_is_help=True)
    group.command("list")(show_all)
    group.command("show")(show)
    group.command("reset")(reset)
    app.add_typer(group, name="brands")


def show_all() -> None:
    """The brands listened for, and which of their fields were changed over the pages or the API."""
    with installed() as installation, installation.store.reading() as session:
        rows = brands.active_brands(session)
    for row in rows:
        show_line("; ".join((f"{one_line(row.name)}: {row.role}", *_marks(row))))
    if not rows:
        say(f"brands: {NO_BRANDS}")


def show(name: Name) -> None:
    """Everything that holds for a brand, as JSON, with what escucha.yml says where that was changed."""
    with installed() as installation, installation.store.reading() as session:
        print_json = json_text(Brand.of(_known(session, name)).model_dump(mode="json"), indent=2)
    typer.echo(print_json)


def reset(
    name: Name,
    by: Annotated[str, typer.Option(help="Who does it, as the team knows them.", show_default=False)],
    field: Annotated[
        list[str] | None, typer.Option(help="Only this field, as `list` names it.", show_default="all")
    ] = None,
) -> None:
    """Let what escucha.yml says of a brand hold again."""
    with installed() as installation, installation.store.transaction() as session:
        row = _known(session, name)
        try:
            row = brand_edits.back_to_file(
                session, row.id or 0, lambda _: None, field or (), installation.channel_names, by, clock.now()
            )
        except (NotNow, brand_edits.Refused) as error:
            raise Failure(one_line(str(error))) from error
    left = ", ".join(edit.field for edit in edits_of(row))
    say(f"{one_line(name)}: " + (f"still changed: {left}" if left else "as escucha.yml says"))


def _marks(row: BrandRow) -> Iterator[str]:
    if row.file is None:
        yield "added over the pages" if row.edits else "not in escucha.yml"
    for edit in edits_of(row):
        yield f"{edit.field} changed (escucha.yml says {_short(edit.in_file)})"


def _short(value: Any) -> str:
    return shorten(one_line(json_text(value)), _SHOWN)


def _known(session: Session, name: str) -> BrandRow:
    found = brands.brand_named(session, name)
    if found is None or not found.active:
        known = ", ".join(row.name for row in brands.active_brands(session)) or "none"
        raise WrongUse(f"no brand is called {name!r}; there are: {known}")
    return found
