"""What most commands begin with."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import ValidationError
from sqlmodel import Session

from alerts import outgoing
from api import logs
from api.wiring import brand_row
from listener.config import Settings, load_settings
from listener.configfile import BrandEntry, ConfigFile
from listener.store import brands


def prepare(**overrides: object) -> Settings:
    """The settings in force, with logging set up accordingly. Raises ConfigError."""
    settings = load_settings(**overrides)
    logs.configure(settings.log_level, as_json=settings.log_json)
    outgoing.allow(outgoing.networks(settings.allowed_networks))
    return settings


def brands_called(config: ConfigFile, names: Sequence[str]) -> list[BrandEntry]:
    """The brands of these names, each once: as escucha.yml has them, else looked for by their name.

    Raises ValueError, in words, for a name that cannot be looked for.
    """
    known = {brand.name: brand for brand in config.brands}
    return [known.get(name) or _named(name) for name in dict.fromkeys(names)]


def ensure_brands(session: Session, config: ConfigFile, entries: Sequence[BrandEntry], now: datetime) -> None:
    """Make sure that these brands exist and are listened for, with what escucha.yml says of them; touches no other.

    A brand that the file does not name and that is listened for already stays as it is.
    """
    active = {brand.name for brand in brands.active_brands(session)}
    rows = [
        brand_row(entry, in_file=entry in config.brands)
        for entry in entries
        if entry in config.brands or entry.name not in active
    ]
    brands.save_brands(session, rows, now)


def _named(name: str) -> BrandEntry:
    try:
        return BrandEntry(name=name)
    except ValidationError as error:
        why = "a brand needs a name" if not name else str(error.errors()[0]["msg"]).removeprefix("Value error, ")
        raise ValueError(why) from error
