"""``escucha check`` and ``escucha db upgrade``: before anything runs."""

import difflib
import os

import typer

from alerts.wording import counted
from api.cli.output import Failure, say
from api.cli.setup import prepare
from listener import configfile
from listener.config import PREFIX, SECRETS, Settings
from listener.configfile import ConfigFileError
from listener.store import migrate
from listener.store.engine import Store


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(check)
    database = typer.Typer(help="The database.", no_args_is_help=True)
    database.command("upgrade")(upgrade)
    app.add_typer(database, name="db")


def check() -> None:
    """Read the settings and escucha.yml and say what is wrong where. Changes nothing; exit status 2 if anything is."""
    settings = prepare()
    for variable, likely in _unknown_settings():
        say(f"warning: {variable} is no setting of Escucha" + (f"; did you mean {likely}?" if likely else ""))
    try:
        config = configfile.load(settings.config, os.environ)
    except ConfigFileError as error:
        say(f"{settings.config}: {counted(len(error.problems), 'problem')}")
        raise
    channels = "log" if config.channels is None else ", ".join(channel.name for channel in config.channels)
    if config.channels is None and settings.slack_webhook_url is not None:
        channels += ", slack"
    found = f"{counted(len(config.brands), 'brand')}, {counted(len(config.sources), 'source')}"
    say(f"{settings.config} is sound: {found}; alerts go to {channels}")
    if config.sources and not config.brands:
        raise Failure("there are sources but no brands, so nothing would be kept; add a brand")


def upgrade() -> None:
    """Bring the database to the tables this version knows. Other commands do so by themselves."""
    settings = prepare()
    store = Store(settings.database())
    before, after = migrate.upgrade(store)
    where = store.url.render_as_string(hide_password=True)
    say(f"{where} is at revision {after}" + (" already" if before == after else f" (was {before or 'empty'})"))


def _unknown_settings() -> list[tuple[str, str | None]]:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    known |= {f"{PREFIX}{name.upper()}_FILE" for name in SECRETS}
    # Secrets that escucha.yml names itself (url_from: ESCUCHA_...) are settings too, told by use and not by name.
    unknown = sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)
    close = {name: difflib.get_close_matches(name, known, n=1) for name in unknown}
    return [(name, close[name][0] if close[name] else None) for name in unknown]
