"""``escucha relevance``: decide anew which mentions only share a brand's name."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from api.cli.output import Failure, progress, say
from api.cli.setup import ensure_brands, prepare
from api.wiring import install, read_config
from listener import clock
from listener.store import brands, relevance


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("relevance")(decide_again)


def decide_again(
    brand: Annotated[str, typer.Option(help="The brand.", show_default=False)],
    since: Annotated[
        datetime | None,
        typer.Option(
            help="Only mentions said since then (UTC).", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"], show_default="all"
        ),
    ] = None,
) -> None:
    """Hide and show mentions by what escucha.yml says now (context, unless, relevance) and what the model has given.

    Nothing is scored again and nobody is told of what is shown again; what a person said stays. Figures move with each
    batch, so it may be broken off and run again at any time.
    """
    settings = prepare()
    config = read_config(settings, secrets=False)
    with install(settings, config, sending=False) as installation:
        store = installation.store
        with store.transaction() as session:
            ensure_brands(session, config, [entry for entry in config.brands if entry.name == brand], clock.now())
        with store.reading() as session:
            found = brands.brand_named(session, brand)
            names = [row.name for row in brands.active_brands(session)] + [entry.name for entry in config.brands]
            known = ", ".join(dict.fromkeys(names)) or "none"
            if found is None or found.id is None:
                raise Failure(f"no brand is called {brand!r}; there are: {known}")
            start = since.replace(tzinfo=UTC) if since is not None else None
            total = relevance.to_decide_again(session, found.id, start)
        hidden = shown = 0
        with progress() as bars:
            task = bars.add_task("deciding", total=total)
            after: int | None = 0
            while after is not None:
                with store.transaction() as session:
                    done = relevance.decide_again(session, found.id, clock.now(), after=after, since=start)
                hidden, shown, after = hidden + done.hidden, shown + done.shown, done.last
                bars.advance(task, done.looked_at)
    say(f"{brand}: {total:,} mentions looked at, {hidden:,} hidden now, {shown:,} shown again")
