"""``escucha check`` and ``escucha db upgrade``: before anything runs."""

import difflib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import typer
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from alerts.wording import counted
from api.addresses import listens_everywhere
from api.cli.output import Failure, say
from api.cli.setup import prepare
from api.wiring import build_channels, build_senders, channel_names
from listener import configfile
from listener.brand_entries import edited_fields, said_in_file
from listener.config import PREFIX, SECRETS, ConfigError, Settings
from listener.configfile import ConfigFile, ConfigFileError
from listener.policy_check import doubts
from listener.query.hints import hints
from listener.rules import is_on
from listener.store import brands, migrate
from listener.store.engine import Store, StoreError
from sentiment.errors import SentimentError
from sentiment.scorer import look_for

_ANYBODYS = (
    "accounts.google.com", "appleid.apple.com", "gitlab.com", "www.facebook.com", "www.linkedin.com",
    "api.login.yahoo.com", "access.line.me", "id.twitch.tv", "discord.com",
)  # fmt: skip
_MICROSOFT = ("login.microsoftonline.com", "login.live.com", "sts.windows.net")
_MICROSOFTS_OWN = ("", "common", "organizations", "consumers", "9188040d-6c67-4c5b-b112-36a304b66dad")
"""Microsoft's issuers for people of any organization or none (the last is the tenant of personal accounts)."""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(check)
    database = typer.Typer(help="The database.", no_args_is_help=True)
    database.command("upgrade")(upgrade)
    app.add_typer(database, name="db")


def check() -> None:
    """Read the settings and escucha.yml and say what is wrong where. Changes nothing; exit status 2 if anything is.

    Channels are set up but nothing is sent; the model is looked for but neither loaded nor downloaded. What may be
    meant, or may be well by the time it is needed, is a warning.
    """
    settings = prepare()
    wrong = [*_problem(lambda: _model(settings)), *_problem(lambda: _database(settings))]
    config: ConfigFile | None = None
    try:
        config = configfile.load(settings.config, os.environ)
    except ConfigError as error:
        if isinstance(error, ConfigFileError):
            say(f"{settings.config}: {counted(len(error.problems), 'problem')}")
        wrong.append(str(error))
    else:
        wrong += _problem(lambda: build_channels(settings, config))
        wrong += _problem(lambda: build_senders(settings, config))
    for warning in _warnings(settings, config):
        say(f"warning: {warning}")
    for note in _edited(settings, config):
        say(f"note: {note}")
    if wrong:
        raise ConfigError("\n".join(wrong))
    assert config is not None
    found = f"{counted(len(config.brands), 'brand')}, {counted(len(config.sources), 'source')}"
    say(f"{settings.config} is sound: {found}; alerts go to {', '.join(channel_names(settings, config)) or 'nobody'}")
    if config.sources and not config.brands:
        raise Failure("there are sources but no brands, so nothing would be kept; add a brand")


def upgrade() -> None:
    """Bring the database to the tables this version knows. Other commands do so by themselves."""
    settings = prepare()
    with closing(Store(settings.database())) as store:
        before, after = migrate.upgrade(store)
        where = store.url.render_as_string(hide_password=True)
    say(f"{where} is at revision {after}" + (" already" if before == after else f" (was {before or 'empty'})"))


def _problem(look: Callable[[], object]) -> list[str]:
    """What is wrong with one part, so that the others are looked at all the same."""
    try:
        look()
    except (ConfigError, StoreError, SentimentError) as error:
        return [str(error)]
    return []


def _model(settings: Settings) -> None:
    say(f"the model is {look_for(settings.model, settings.model_revision)}")


def _database(settings: Settings) -> None:
    path = _database_file(settings)
    if path is not None and not path.exists():
        # Opening it would make it, and this command changes nothing.
        folder = next(parent for parent in path.absolute().parents if parent.exists())
        if not (folder.is_dir() and os.access(folder, os.W_OK)):
            raise StoreError(f"the database {path} cannot be made: {folder} is no folder that may be written to")
        return
    with closing(Store(settings.database())) as store:
        try:
            store.check()
        except StoreError as error:
            if store.dialect == "sqlite":
                raise
            # A server may be started later.
            say(f"warning: {error}")


def _edited(settings: Settings, config: ConfigFile | None) -> Iterator[str]:
    """Where what the file says of a brand does not hold, because it was changed over the pages."""
    path = _database_file(settings)
    if config is None or (path is not None and not path.exists()):
        return
    with closing(Store(settings.database())) as store:
        try:
            with store.reading() as session:
                rows = {row.name: row for row in brands.active_brands(session)}
        except (StoreError, SQLAlchemyError):
            # Not there, or of another version: said elsewhere, or mended by the next start.
            return
    for entry in config.brands:
        row = rows.get(entry.name)
        if row is None:
            continue
        said = said_in_file(entry)
        for field, _, _ in edited_fields(said, row.edits):
            moved = row.file is not None and dict(_flat(row.file)).get(field) != dict(_flat(said)).get(field)
            yield (
                f"brand {entry.name}: {field} was changed over the pages, and that holds"
                + (" although the file says something new; " if moved else "; ")
                + "`escucha brands reset` lets the file say again"
            )


def _flat(said: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield from said.items()
    yield from ((f"alerts.{rule}", value) for rule, value in said.get("alerts", {}).items())


def _database_file(settings: Settings) -> Path | None:
    """The file of an embedded database. What is wrong with the address is for the Store to say."""
    try:
        url = make_url(settings.database())
    except (ArgumentError, ValueError):
        return None
    return Path(url.database) if url.drivername == "sqlite" and url.database not in (None, "", ":memory:") else None


def _finds_own(query: str, accounts: Sequence[str]) -> bool:
    """Whether a query looks for what one of these accounts writes."""
    plain = query.casefold().replace('"', "").replace("@", "")
    return any(f"{word}:{one.removeprefix('@').casefold()}" in plain for one in accounts for word in ("author", "from"))


def _warnings(settings: Settings, config: ConfigFile | None) -> Iterator[str]:
    named = _named(config)
    for variable, likely in _unknown_settings(named):
        yield f"{variable} is no setting of Escucha" + (f"; did you mean {likely}?" if likely else "")
    if settings.public_url is None and listens_everywhere(settings):
        yield (
            f"ESCUCHA_HOST={settings.host} listens on every address, so requests under any host name are answered and "
            "links in messages open on this machine alone; set ESCUCHA_PUBLIC_URL"
        )
    if settings.oidc_role is not None and _anybodys(settings.oidc_issuer or ""):
        yield (
            f"ESCUCHA_OIDC_ROLE={settings.oidc_role} lets in everybody who has an account at {settings.oidc_issuer}, "
            "which gives one to anybody; leave it out and invite people, or name a provider of your own"
        )
    for brand in config.brands if config is not None else ():
        for hint in hints(brand.effective_query):
            yield f"brand {brand.name}: {hint}"
        if not brand.accounts and is_on("unanswered", brand.role, brand.alerting):
            yield (
                f"brand {brand.name}: names no accounts, so nobody can see what was answered and the rule unanswered "
                "says nothing; add accounts: with the handles it answers from, or unanswered: false under alerts:"
            )
        elif is_on("unanswered", brand.role, brand.alerting) and not _finds_own(brand.effective_query, brand.accounts):
            handle = brand.accounts[0].removeprefix("@")
            yield (
                f"brand {brand.name}: its query finds none of its own accounts' posts, so the rule unanswered sees few "
                f"answers, if any; add `OR author:{handle}` to the query"
            )
    if config is not None:
        yield from doubts(config, channel_names(settings, config))
    if config is None or config.channels is None:
        return
    if not config.channels:
        yield f"{settings.config}: channels: is empty, so alerts go nowhere; leave it out for the log"
    if settings.slack_webhook_url is not None and "ESCUCHA_SLACK_WEBHOOK_URL" not in named:
        yield (
            f"ESCUCHA_SLACK_WEBHOOK_URL is set, but {settings.config} has channels: and none of them uses it "
            "(url_from: ESCUCHA_SLACK_WEBHOOK_URL)"
        )


def _anybodys(issuer: str) -> bool:
    """Whether a provider gives accounts to anybody, as far as is known."""
    parts = urlsplit(issuer.lower())
    return parts.hostname in _ANYBODYS or (
        parts.hostname in _MICROSOFT and parts.path.lstrip("/").partition("/")[0] in _MICROSOFTS_OWN
    )


def _named(config: ConfigFile | None) -> set[str]:
    """The variables that escucha.yml names as holding secrets."""
    if config is None:
        return set()
    options = [source.options for source in config.sources] + [channel.options for channel in config.channels or ()]
    named = {str(value) for each in options for key, value in each.items() if key.endswith("_from")}
    return named.union(*(entry.variables.values() for entry in config.push))


def _unknown_settings(named: set[str]) -> list[tuple[str, str | None]]:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    secret = {f"{PREFIX}{name.upper()}" for name in SECRETS} | named
    taken = known | secret | {f"{name}_FILE" for name in secret}
    unknown = sorted(name for name in os.environ if name.startswith(PREFIX) and name not in taken)
    close = {name: difflib.get_close_matches(name, known, n=1) for name in unknown}
    return [(name, close[name][0] if close[name] else None) for name in unknown]
