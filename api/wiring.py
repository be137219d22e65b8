"""Puts an installation together from settings and escucha.yml."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from alerts.channel import Channel, ChannelSetupError
from alerts.registry import build_channel
from listener import clock, configfile
from listener.config import ConfigError, Settings, with_secrets
from listener.configfile import BrandEntry, ConfigFile, SourceEntry
from listener.http import Http
from listener.jobs.deliver import Pacing
from listener.pipeline import Pipeline
from listener.queue import WorkQueue
from listener.registry import Endpoints
from listener.store import brands, migrate
from listener.store.engine import Store
from sentiment.scorer import Scorer


@dataclass(frozen=True, slots=True)
class Installation:
    """One Escucha: where it keeps things and what it works with."""

    settings: Settings
    store: Store
    channels: Mapping[str, Channel]

    @property
    def channel_names(self) -> tuple[str, ...]:
        """All channels set up here."""
        return tuple(self.channels)

    def pipeline(self) -> Pipeline:
        """The stages, ready to run."""
        slack = Pacing(timedelta(seconds=self.settings.slack_pace_seconds), self.settings.max_attempts)
        other = Pacing(max_attempts=self.settings.max_attempts)
        return Pipeline(
            store=self.store,
            queue=WorkQueue(self.store),
            channels=self.channels,
            pacing={name: slack if channel.kind == "slack" else other for name, channel in self.channels.items()},
            http=Http(timeout=self.settings.http_timeout),
            endpoints=Endpoints(hackernews=self.settings.hackernews_url),
            secrets=os.environ,
            public_url=self.settings.address(),
            clock=clock.now,
        )

    def scorer(self) -> Scorer:
        """The model. Raises sentiment.errors for one that cannot be used."""
        return Scorer.open(
            self.settings.model,
            revision=self.settings.model_revision,
            threads=self.settings.threads,
            batch_size=self.settings.batch_size,
        )


def read_config(settings: Settings) -> ConfigFile:
    """escucha.yml, or an empty one where the default file is not there. Raises ConfigError."""
    if "config" not in settings.model_fields_set and not settings.config.exists():
        return ConfigFile()
    return configfile.load(settings.config, os.environ)


def install(settings: Settings, config: ConfigFile) -> Installation:
    """Open the store, bring its tables up to date and build the channels.

    Raises StoreError, or ConfigError for a channel that cannot be built.
    """
    store = Store(settings.database())
    migrate.upgrade(store)
    return Installation(settings, store, _channels(settings, config))


def apply_config(store: Store, config: ConfigFile) -> None:
    """Make the database's brands and sources those of escucha.yml; what it no longer names is switched off."""
    now = clock.now()
    with store.transaction() as session:
        brands.save_brands(session, [brand_row(brand) for brand in config.brands], now)
        brands.save_sources(session, [_source_row(source) for source in config.sources], now)
        if config.brands or config.sources:
            brands.retire_missing(
                session, [brand.name for brand in config.brands], [source.name for source in config.sources]
            )


def brand_row(brand: BrandEntry) -> dict[str, object]:
    """A brand as the store keeps it."""
    return {
        "name": brand.name,
        "query": brand.effective_query,
        "role": brand.role,
        "alerting": brand.alerting,
        "channels": list(brand.channels) if brand.channels is not None else None,
        "active": True,
    }


def _source_row(source: SourceEntry) -> dict[str, object]:
    return {
        "name": source.name,
        "kind": source.kind,
        "options": source.options,
        "brands": list(source.brands) if source.brands is not None else None,
        "every_s": round(source.every.total_seconds()),
        "judge_as_new": source.judge_as_new,
        "active": True,
    }


def _channels(settings: Settings, config: ConfigFile) -> dict[str, Channel]:
    described: Sequence[tuple[str, str, Mapping[str, object]]]
    if config.channels is not None:
        described = [(entry.name, entry.kind, with_secrets(entry.options, os.environ)) for entry in config.channels]
    else:
        described = [("log", "log", {})]
        if settings.slack_webhook_url is not None:
            described.append(("slack", "slack", {"url": settings.slack_webhook_url.get_secret_value()}))
    try:
        return {name: build_channel(name, kind, options) for name, kind, options in described}
    except ChannelSetupError as error:
        where = settings.config if config.channels is not None else "ESCUCHA_SLACK_WEBHOOK_URL"
        raise ConfigError(f"{where}: {error}") from error
