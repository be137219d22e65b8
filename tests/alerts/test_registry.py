import re
from datetime import timedelta

import pytest

from alerts.channel import ChannelSetupError
from alerts.registry import CHANNELS, RULES, build_channel, read_settings
from alerts.rules.detractor import DetractorSettings

SECRET = "s3cretpath"


def test_every_kind_builds_and_knows_its_name():
    options = {"slack": {"url": f"https://hooks.slack.com/services/T0/B0/{SECRET}"}}
    for kind in CHANNELS:
        channel = build_channel("team", kind, options.get(kind, {}))
        assert (channel.name, channel.kind) == ("team", kind)
        assert SECRET not in repr(channel)


@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        ("slak", {}, "channel team: there is no kind 'slak'; there are log, slack"),
        ("slack", {}, "channel team: 'url' is missing"),
        ("slack", {"url": f"hooks.slack.com/services/T0/B0/{SECRET}"}, "channel team: url: a Slack webhook address"),
        ("slack", {"url": "http://127.0.0.1:9/x", "timeout": 0}, "timeout: must be greater than 0"),
        ("slack", {"url": "http://127.0.0.1:9/x", "proxy": SECRET}, "the proxy of a Slack webhook looks like"),
        ("slack", {"url": "http://127.0.0.1:9/x", "webhook": SECRET}, "nothing here is called 'webhook'"),
        ("log", {"level": "info"}, "channel team: nothing here is called 'level'"),
    ],
)
def test_wrong_options_are_refused_in_words_without_secrets(kind, options, words):
    with pytest.raises(ChannelSetupError) as caught:
        build_channel("team", kind, options)
    assert words in str(caught.value)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


def test_settings_are_read_as_people_write_them():
    read = read_settings("detractor", {"min_probability": 0.7, "window": "30m", "grow_at": [3, 9], "labels": ["x"]})
    assert read == DetractorSettings(frozenset({"x"}), 0.7, window=timedelta(minutes=30), grow_at=(3, 9))
    for name in RULES:
        read_settings(name, {})


@pytest.mark.parametrize(
    ("rule", "options", "words"),
    [
        ("detracter", {}, "there is no rule 'detracter'; there are detractor"),
        ("detractor", {"window": "long"}, "rule detractor: window: a length of time looks like"),
        ("detractor", {"min_probability": 60}, "min_probability lies between 0 and 1"),
        ("detractor", {"min_prob": 0.5}, "nothing here is called 'min_prob'; did you mean min_probability?"),
    ],
)
def test_wrong_settings_are_refused_in_words(rule, options, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        read_settings(rule, options)
