"""Every channel and rule by its name in a configuration. Adding one is a new file and a line here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from alerts.channel import Channel, ChannelSetupError
from alerts.channels.log import LogChannel, LogOptions
from alerts.channels.slack import SlackOptions, SlackWebhook
from alerts.mentions import ScoredMention
from alerts.problems import in_words
from alerts.rule import Verdict
from alerts.rules import detractor


@dataclass(frozen=True, slots=True)
class ChannelKind:
    """How a channel of one kind is configured and built."""

    options: type[BaseModel]
    build: Callable[[str, Any], Channel]


@dataclass(frozen=True, slots=True)
class RuleKind:
    """A rule: its settings (a class pydantic can read, with `window` and `grow_at`) and its judgement."""

    settings: type[Any]
    judge: Callable[[ScoredMention, Any], Verdict]


CHANNELS: Mapping[str, ChannelKind] = {
    LogChannel.kind: ChannelKind(LogOptions, LogChannel.from_options),
    SlackWebhook.kind: ChannelKind(SlackOptions, SlackWebhook.from_options),
}

RULES: Mapping[str, RuleKind] = {
    detractor.NAME: RuleKind(detractor.DetractorSettings, detractor.judge),
}


def build_channel(name: str, kind: str, options: Mapping[str, object]) -> Channel:
    """The channel that a configuration describes. Raises ChannelSetupError in words, without secrets."""
    found = CHANNELS.get(kind)
    if found is None:
        raise ChannelSetupError(f"channel {name}: there is no kind {kind!r}; there are {', '.join(sorted(CHANNELS))}")
    try:
        return found.build(name, found.options.model_validate(dict(options)))
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
        return TypeAdapter(found.settings).validate_python(dict(options))
    except ValidationError as error:
        raise ValueError(f"rule {rule}: {in_words(error, found.settings)}") from None
