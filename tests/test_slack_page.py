"""docs/slack.md is true: its examples read, its manifest asks for what is used, its tables are complete."""

import re
from pathlib import Path

import pytest
import yaml

from alerts.channels.slack_bot import SlackBotOptions
from alerts.slack.errors import CHANNEL_IS_GONE
from alerts.slack.feedback import Outcome
from api.routes.slack import router
from listener.configfile import parse_text
from tests.alerts.slack.fake_slack import SIGNING_SECRET, TOKEN

PAGE = Path(__file__).parent.parent / "docs" / "slack.md"
TEXT = PAGE.read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
ENVIRON = {
    "SLACK_WEBHOOK": "https://hooks.slack.com/services/T000/B000/XXXX",
    "SLACK_TOKEN": TOKEN,
    "SLACK_SIGNING_SECRET": SIGNING_SECRET,
}


def first_column(heading: str) -> list[str]:
    part = TEXT.partition(heading)[2]
    return re.findall(r"^\| `([a-z_]+)`", part.partition("\n\n\n")[0].partition("\n## ")[0], re.MULTILINE)


@pytest.mark.parametrize("example", [one for one in EXAMPLES if one.startswith("channels:")])
def test_the_examples_are_good(example):
    [channel] = parse_text(example, PAGE, ENVIRON).channels or ()
    assert channel.name == "team"


def test_every_option_stands_in_the_table():
    ours = {"token": "token_from", "signing_secret": "signing_secret_from"}
    options = {ours.get(name, name) for name in SlackBotOptions.model_fields} - {"base_url"}
    assert set(first_column("| option ")) == options


def test_every_outcome_stands_in_the_table():
    assert first_column("| outcome ") == [outcome.value for outcome in Outcome]


def test_the_manifest_leads_to_the_route_and_asks_for_the_scopes_that_are_used():
    [manifest] = [yaml.safe_load(one) for one in EXAMPLES if one.startswith("display_information")]
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == {"chat:write", "channels:history", "groups:history"}
    [path] = [str(route.path) for route in router.routes]  # type: ignore[attr-defined]
    address = manifest["settings"]["interactivity"]["request_url"]
    assert address == "https://escucha.example" + path.format(channel="team")


def test_what_it_says_about_errors_is_what_slack_says():
    table = TEXT.partition("| `escucha channels list` says")[2].partition("\n\n")[0]
    words = set(re.findall(r"`([a-z]+_[a-z_]+)`", table))
    assert words
    assert words <= CHANNEL_IS_GONE.keys()
