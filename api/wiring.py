"""Puts an installation together from settings and escucha.yml."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Self

import structlog
from sqlmodel import Session

from alerts.channel import Channel, ChannelSetupError
from alerts.channels.slack_bot import SlackBot
from alerts.policy import DEFAULT_BUDGET, Policy
from alerts.registry import CHANNELS, build_channel
from alerts.slack.signature import SigningSecret
from api import story
from api.addresses import public_url
from listener import clock, configfile
from listener.brand_entries import row_of, said_in_file
from listener.config import ConfigError, Settings, with_secrets
from listener.configfile import BrandEntry, ConfigFile, SourceEntry
from listener.http import Http
from listener.jobs.deliver import Pacing
from listener.pipeline import Pipeline
from listener.push.options import PushEntry, Sender, sender
from listener.queue import WorkQueue
from listener.quota import Meters
from listener.registry import demands
from listener.store import brands, health, migrate, silences
from listener.store.engine import Store
from listener.store.push import PUSH
from listener.store.score_cache import StoredScores
from listener.tools import Endpoints, Tools
from sentiment.cache import ScoreCache
from sentiment.scorer import Scorer

log = structlog.get_logger()

SPARED = 0.5
"""How much of a quota or of the day's money looking posts up again and filling gaps may use up."""

FOLLOWED = 0.9
"""How much of them following the present may use up where the platform demands that posts are looked up in time: the
rest is for look-ups that must not wait."""


@dataclass(frozen=True, slots=True)
class Installation:
    """One Escucha: where it keeps things and what it works with. Closes its database when its block ends.

    ``channel_names``: all channels set up here; ``channels`` has them built, and is empty in one that sends nothing.
    ``senders``: the systems that may send here, empty in one that serves nobody; ``signing``: Slack bots whose buttons
    it hears of, each with its app's signing secret. ``policy``: who is told of what. ``budgets``: channel -> the most
    messages in any hour; ``fallbacks``: channel -> the one that is told when it is switched off.
    """

    settings: Settings
    store: Store
    channel_names: tuple[str, ...]
    channels: Mapping[str, Channel]
    senders: Mapping[str, Sender] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)
    budgets: Mapping[str, int] = field(default_factory=dict)
    fallbacks: Mapping[str, str] = field(default_factory=dict)
    signing: Mapping[str, SigningSecret] = field(default_factory=dict)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.store.close()

    @property
    def patience(self) -> timedelta:
        """How long anything may wait before it counts as stuck."""
        return timedelta(minutes=self.settings.stuck_minutes)

    def attention(self, session: Session) -> list[str]:
        """What waits for a person, in words, and first of all that everything is silenced."""
        now = clock.now()
        quiet = story.in_force([one for one in silences.in_force(session, now) if not one.matchers], now)
        return quiet + health.attention(session, now, self.patience, self.channel_names, demands())

    def silenced(self, session: Session) -> list[str]:
        """The silences in force, in words, those of everything first."""
        now = clock.now()
        return story.in_force(silences.in_force(session, now), now)

    def pipeline(self, *, share: float = 1.0) -> Pipeline:
        """The stages, ready to run. ``share``: how much of the accounts' quotas may be used up by it."""
        stop = Event()
        pacing = {name: self._pacing(channel) for name, channel in self.channels.items()}
        tools = Tools(
            Http(timeout=self.settings.http_timeout), endpoints(self.settings),
            Meters(self.store, clock.now, stop.wait, share=share), self.settings.http_timeout,
        )  # fmt: skip
        return Pipeline(
            store=self.store,
            queue=WorkQueue(self.store),
            channels=self.channels,
            pacing=pacing,
            policy=self.policy,
            tools=tools,
            sparing=replace(tools, meter=Meters(self.store, clock.now, stop.wait, share=share * SPARED)),
            following=replace(tools, meter=Meters(self.store, clock.now, stop.wait, share=min(share, FOLLOWED))),
            secrets=os.environ,
            public_url=public_url(self.settings),
            clock=clock.now,
            stop=stop,
        )  # fmt: skip

    def _pacing(self, channel: Channel) -> Pacing:
        kind = CHANNELS[channel.kind]
        return Pacing(
            timedelta(seconds=self.settings.slack_pace_seconds) if kind.slack else kind.pace,
            self.settings.max_attempts,
            self.budgets.get(channel.name, DEFAULT_BUDGET),
            self.fallbacks.get(channel.name),
            tuple(name for name in self.channel_names if name != channel.name),
            public_url(self.settings),
        )

    def scorer(self) -> Scorer:
        """The model. Raises sentiment.errors for one that cannot be used."""
        most = self.settings.stored_cache_size
        return open_scorer(self.settings, StoredScores(self.store, clock.now, most) if most else None)


def endpoints(settings: Settings) -> Endpoints:
    """Where the platforms are, as the settings say."""
    return Endpoints(**{field.name: getattr(settings, f"{field.name}_url") for field in fields(Endpoints)})


def open_scorer(settings: Settings, stored: ScoreCache | None = None) -> Scorer:
    """The model that the settings name; what repeats goes to ``stored``. Raises sentiment.errors for one that cannot
    be used."""
    scorer = Scorer.open(
        settings.model, revision=settings.model_revision, threads=settings.threads, batch_size=settings.batch_size,
        remembered=settings.cache_size, stored=stored,
    )  # fmt: skip
    if settings.model and not settings.model_revision and not Path(settings.model).expanduser().exists():
        log.warning(
            "model_not_pinned", model=settings.model, revision=scorer.revision,
            why="the hub may give another one tomorrow; ESCUCHA_MODEL_REVISION pins it",
        )  # fmt: skip
    return scorer


def read_config(settings: Settings, *, secrets: bool = True) -> ConfigFile:
    """escucha.yml, or an empty one where the default file is not there. Raises ConfigError.

    ``secrets=False`` leaves out what ``_from`` options name, for a process that reads no source and sends nothing.
    """
    if "config" not in settings.model_fields_set and not settings.config.exists():
        return ConfigFile()
    return configfile.load(settings.config, os.environ if secrets else None)


def install(settings: Settings, config: ConfigFile, *, sending: bool = True, receiving: bool = False) -> Installation:
    """Open the store, bring its tables up to date and, unless nothing is to be sent from here, build the channels.

    ``receiving``: other systems may send here. Raises StoreError, or ConfigError for a channel that cannot be built
    or a sender without its secret.
    """
    channels = build_channels(settings, config) if sending else {}
    senders = build_senders(settings, config) if receiving else {}
    signing = build_signing(settings, config) if receiving else {}
    store = Store(settings.database())
    try:
        migrate.upgrade(store)
    except BaseException:
        store.close()
        raise
    if senders:
        # Whoever serves may be there before whoever works.
        with store.transaction() as session:
            brands.save_sources(session, [_sender_row(entry) for entry in config.push], clock.now())
    entries = config.channels or ()
    budgets = {entry.name: entry.budget for entry in entries}
    fallbacks = {entry.name: entry.fallback for entry in entries if entry.fallback is not None}
    names = channel_names(settings, config)
    return Installation(settings, store, names, channels, senders, config, budgets, fallbacks, signing)


def apply_config(store: Store, config: ConfigFile) -> None:
    """Make the database's brands and sources those of escucha.yml, but for what was changed over the pages since; what
    it no longer names is switched off."""
    now = clock.now()
    with store.transaction() as session:
        brands.save_brands(session, [brand_row(brand) for brand in config.brands], now)
        brands.save_sources(session, [_source_row(source) for source in config.sources], now)
        brands.save_sources(session, [_sender_row(entry) for entry in config.push], now)
        # Brands may come from imports alone, sources that are read on a schedule only from the file.
        if config.brands:
            brands.retire_brands(session, [brand.name for brand in config.brands])
        if config.brands or config.sources or config.push:
            kept = [source.name for source in config.sources] + [entry.name for entry in config.push]
            brands.retire_sources(session, kept)


def brand_row(brand: BrandEntry, *, in_file: bool = True) -> dict[str, object]:
    """A brand as the store keeps it. ``in_file``: escucha.yml names it."""
    row = {"name": brand.name, "active": True, **row_of(brand)}
    return row | {"file": said_in_file(brand)} if in_file else row


def _source_row(source: SourceEntry) -> dict[str, object]:
    return {
        "name": source.name,
        "kind": source.kind,
        "options": source.options,
        "brands": list(source.brands) if source.brands is not None else None,
        "every_s": round(source.every.total_seconds()),
        "about_brands": source.about_brands,
        "judge_as_new": source.judge_as_new,
        "active": True,
    }


def _sender_row(entry: PushEntry) -> dict[str, object]:
    return {
        "name": entry.name,
        "kind": PUSH,
        "options": {},
        "brands": list(entry.brands) if entry.brands is not None else None,
        "every_s": None,
        "about_brands": entry.about_brands,
        "judge_as_new": entry.judge_as_new,
        "active": True,
    }


def build_senders(settings: Settings, config: ConfigFile) -> dict[str, Sender]:
    """The systems that may send here. Raises ConfigError, without secrets in it."""
    found = {}
    for entry in config.push:
        try:
            found[entry.name] = sender(entry, _secrets(entry))
        except (ValueError, ConfigError) as error:
            raise ConfigError(f"{settings.config}: {entry.name}: {error}") from error
    return found


def build_signing(settings: Settings, config: ConfigFile) -> dict[str, SigningSecret]:
    """The Slack bots that have buttons. Raises ConfigError, without secrets in it."""
    found = {}
    for entry in config.channels or ():
        named = {name: value for name, value in entry.options.items() if name.startswith("signing_secret")}
        if entry.kind == SlackBot.kind and named:
            try:
                held = with_secrets(named, os.environ)
                found[entry.name] = SigningSecret.checked(str(held["signing_secret"]))
            except (ValueError, ConfigError) as error:
                raise ConfigError(f"{settings.config}: {entry.name}: {error}") from error
    return found


def _secrets(entry: PushEntry) -> dict[str, str]:
    held = with_secrets(entry.variables, os.environ)
    return {name: held[name.removesuffix("_from")] for name in entry.variables}


def channel_names(settings: Settings, config: ConfigFile) -> tuple[str, ...]:
    """The channels that there are; known without their secrets."""
    return tuple(channel_kinds(settings, config))


def channel_kinds(settings: Settings, config: ConfigFile) -> dict[str, str]:
    """The same with their kinds."""
    if config.channels is not None:
        return {entry.name: entry.kind for entry in config.channels}
    return {"log": "log"} if settings.slack_webhook_url is None else {"log": "log", "slack": "slack"}


def _placed(settings: Settings, kind: str, options: Mapping[str, object]) -> Mapping[str, object]:
    """The options with where the platform is, as the settings say, for kinds that can be told."""
    return {"base_url": settings.slack_url} | dict(options) if kind == SlackBot.kind else options


def build_channels(settings: Settings, config: ConfigFile, *, only: str | None = None) -> dict[str, Channel]:
    """The same, ready to send, or one of them. Raises ConfigError, without secrets in it."""
    described: Sequence[tuple[str, str, Mapping[str, object]]]
    if config.channels is not None:
        described = [
            (entry.name, entry.kind, _placed(settings, entry.kind, with_secrets(entry.options, os.environ)))
            for entry in config.channels
            if only in (None, entry.name)
        ]
    else:
        described = [("log", "log", {})]
        if settings.slack_webhook_url is not None:
            described.append(("slack", "slack", {"url": settings.slack_webhook_url.get_secret_value()}))
    try:
        return {
            name: build_channel(name, kind, options, clock.now)
            for name, kind, options in described
            if only in (None, name)
        }
    except ChannelSetupError as error:
        where = settings.config if config.channels is not None else "ESCUCHA_SLACK_WEBHOOK_URL"
        raise ConfigError(f"{where}: {error}") from error
