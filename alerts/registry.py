"""Every channel and rule by its name in a configuration. Adding one is a new file and a line here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from alerts.channel import Channel, ChannelSetupError
from alerts.channels.discord import DiscordOptions, DiscordWebhook
from alerts.channels.email import EmailChannel, EmailOptions
from alerts.channels.log import LogChannel, LogOptions
from alerts.channels.slack import SlackOptions, SlackWebhook
from alerts.channels.slack_bot import SlackBot, SlackBotOptions
from alerts.channels.teams import TeamsOptions, TeamsWorkflow
from alerts.channels.webhook import Webhook, WebhookOptions
from alerts.problems import in_words
from alerts.rule import RuleKind
from alerts.rules import competitor, coverage, crisis, detractor, promoter, reach, spike, unanswered


@dataclass(frozen=True, slots=True)
class ChannelKind:
    """How a channel of one kind is configured and built, from its name and its options.

    `timed`: it is given the clock as well, since something in what it sends is the time of sending. `pace`: the least
    time between two sends on one channel, by which it keeps to what the platform lets through. `slack`: the platform is
    Slack, whose pace a setting of the host says instead.
    """

    options: type[BaseModel]
    build: Callable[..., Channel]
    timed: bool = False
    pace: timedelta = timedelta(0)
    slack: bool = False


CHANNELS: Mapping[str, ChannelKind] = {
    LogChannel.kind: ChannelKind(LogOptions, LogChannel.from_options),
    SlackWebhook.kind: ChannelKind(SlackOptions, SlackWebhook.from_options, slack=True),
    SlackBot.kind: ChannelKind(SlackBotOptions, SlackBot.from_options, slack=True),
    EmailChannel.kind: ChannelKind(EmailOptions, EmailChannel.from_options, pace=timedelta(seconds=1)),
    TeamsWorkflow.kind: ChannelKind(TeamsOptions, TeamsWorkflow.from_options, pace=timedelta(seconds=1)),
    # 30 a minute and channel.
    DiscordWebhook.kind: ChannelKind(DiscordOptions, DiscordWebhook.from_options, pace=timedelta(seconds=2)),
    Webhook.kind: ChannelKind(WebhookOptions, Webhook.from_options, timed=True),
}

RULES: Mapping[str, RuleKind] = {
    detractor.NAME: detractor.RULE,
    crisis.NAME: crisis.RULE,
    reach.NAME: reach.RULE,
    promoter.NAME: promoter.RULE,
    spike.NAME: spike.RULE,
    unanswered.NAME: unanswered.RULE,
    competitor.NAME: competitor.RULE,
    coverage.NAME: coverage.RULE,
}


def build_channel(name: str, kind: str, options: Mapping[str, object], clock: Callable[[], datetime]) -> Channel:
    """The channel that a configuration describes. Raises ChannelSetupError in words, without secrets."""
    found = CHANNELS.get(kind)
    if found is None:
        raise ChannelSetupError(f"channel {name}: there is no kind {kind!r}; there are {', '.join(sorted(CHANNELS))}")
    try:
        read = found.options.model_validate(dict(options))
        return found.build(name, read, clock) if found.timed else found.build(name, read)
    except ValidationError as error:
        # No "from": a traceback of pydantic's error may show the values, and one of them is a secret.
        raise ChannelSetupError(f"channel {name}: {in_words(error, found.options)}") from None
    except ChannelSetupError as error:
        raise ChannelSetupError(f"channel {name}: {error}") from None


def read_settings(rule: str, options: Mapping[str, object]) -> Any:
    """The rule's settings from a configuration. Raises ValueError in words."""
    found = RULES.get(rule)
    if found is None:
        raise ValueError(f"there is no rule {rule!r}; there are {', '.join(sorted(RULES))}")
    try:
        return _reader(rule).validate_python(dict(options))
    except ValidationError as error:
        raise ValueError(f"rule {rule}: {in_words(error, found.settings)}") from None


@cache
def _reader(rule: str) -> TypeAdapter[Any]:
    """Made once: that takes a hundred times as long as reading with it, and the jobs read settings all the time."""
    return TypeAdapter(RULES[rule].settings)
