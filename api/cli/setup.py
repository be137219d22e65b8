"""What most commands begin with."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from api import logs
from api.wiring import brand_row
from listener.config import Settings, load_settings
from listener.configfile import BrandEntry
from listener.store import brands


def prepare(**overrides: object) -> Settings:
    """The settings in force, with logging set up accordingly. Raises ConfigError."""
    settings = load_settings(**overrides)
    logs.configure(settings.log_level, as_json=settings.log_json)
    return settings


def brands_called(session: Session, names: Sequence[str], now: datetime) -> None:
    """Make sure that brands of these names exist and are listened for; new ones are looked for by their name."""
    known = {brand.name for brand in brands.active_brands(session)}
    new = [brand_row(BrandEntry(name=name)) for name in names if name not in known]
    brands.save_brands(session, new, now)
