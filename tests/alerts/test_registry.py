import re
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import TypeAdapter

from alerts.channel import ChannelSetupError
from alerts.registry import CHANNELS, RULES, build_channel, read_settings
from alerts.rules.detractor import DetractorSettings
from alerts.severity import Severity

SECRET = "s3cretpath"


MAIL = {"host": "mail.example.com", "sender": "escucha@example.com", "to": ["ana@example.com"]}
OPTIONS: dict[str, dict[str, object]] = {
    "log": {},
    "slack": {"url": f"https://hooks.slack.com/services/T0/B0/{SECRET}"},
    "slack_bot": {"token": f"xoxb-1-2-{SECRET}", "channel": "C0123456789"},
    "email": {**MAIL, "user": "escucha", "password": SECRET},
    "teams": {"url": f"https://prod-1.westeurope.logic.azure.com/workflows/1/invoke?sig={SECRET}"},
    "discord": {"url": f"https://discord.com/api/webhooks/123/{SECRET}"},
    "webhook": {"url": f"https://example.com/{SECRET}", "headers": {"Authorization": SECRET}},
}
"""Of every kind, as escucha.yml gives them once secrets are filled in."""


def now() -> datetime:
    return datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize("kind", CHANNELS)
def test_every_kind_builds_and_knows_its_name(kind):
    channel = build_channel("team", kind, OPTIONS[kind], now)
    assert (channel.name, channel.kind) == ("team", kind)
    assert SECRET not in repr(channel)


@pytest.mark.parametrize("kind", CHANNELS)
def test_a_misspelt_option_is_named_and_no_other_shown(kind):
    with pytest.raises(ChannelSetupError, match="nothing here is called 'colour'") as caught:
        build_channel("team", kind, {**OPTIONS[kind], "colour": SECRET}, now)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        ("slak", {}, "channel team: there is no kind 'slak'; there are discord, email, log, slack"),
        ("email", {**MAIL, "user": "x"}, "user and password_from go together"),
        ("email", {**MAIL, "to": [SECRET[:3]]}, "an address looks like ana@example.com"),
        ("discord", {"url": f"https://discord.com/{SECRET}"}, "url: a Discord webhook address looks like"),
        ("teams", {"url": f"https://x.webhook.office.com/{SECRET}"}, "has retired: use a workflow"),
        ("webhook", {"url": "https://example.com/x", "secret": SECRET}, "openssl rand -base64 32"),
        ("webhook", {"url": f"http://example.com/{SECRET}"}, "beyond one's own network it takes https://"),
        ("slack", {}, "channel team: 'url' is missing"),
        ("slack", {"url": f"hooks.slack.com/services/T0/B0/{SECRET}"}, "channel team: url: a Slack webhook address"),
        ("slack", {"url": "http://127.0.0.1:9/x", "timeout": 0}, "timeout: must be greater than 0"),
        ("slack", {"url": "http://127.0.0.1:9/x", "proxy": SECRET}, "the proxy looks like"),
        ("slack", {"url": "http://127.0.0.1:9/x", "webhook": SECRET}, "nothing here is called 'webhook'"),
        ("log", {"level": "info"}, "channel team: nothing here is called 'level'"),
    ],
)
def test_wrong_options_are_refused_in_words_without_secrets(kind, options, words):
    with pytest.raises(ChannelSetupError) as caught:
        build_channel("team", kind, options, now)
    assert words in str(caught.value)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


def test_settings_are_read_as_people_write_them():
    said = {"min_probability": 0.7, "window": "30m", "grow_at": [3, 9], "labels": ["passive"], "severity": "info"}
    assert read_settings("detractor", said) == DetractorSettings(
        labels=frozenset({"passive"}), min_probability=0.7, window=timedelta(minutes=30), grow_at=(3, 9),
        severity=Severity.INFO,
    )  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_settings_of_its_own_that_stand_in_a_file_as_they_are_read(rule):
    settings = read_settings(rule, {})
    shape = TypeAdapter(RULES[rule].settings)
    assert read_settings(rule, shape.dump_python(settings, mode="json")) == settings
    assert RULES[rule].summary


@pytest.mark.parametrize(
    ("rule", "options", "words"),
    [
        ("detracter", {}, "there is no rule 'detracter'; there are "),
        ("detractor", {"window": "long"}, "rule detractor: window: a length of time looks like"),
        ("detractor", {"min_probability": 60}, "min_probability lies between 0 and 1"),
        ("detractor", {"min_prob": 0.5}, "nothing here is called 'min_prob'; did you mean min_probability?"),
        ("detractor", {"labels": ["hater"]}, "rule detractor: entry 1 of labels: must be 'detractor', 'passive' or"),
        ("crisis", {"add": {"saftey": ["fuel"]}}, "must be 'safety', 'legal', 'data' or 'discrimination'"),
        ("crisis", {"add": {"safety": ["!"]}}, "rule crisis: '!' holds no letter or digit to look for"),
    ],
)
def test_wrong_settings_are_refused_in_words(rule, options, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        read_settings(rule, options)
