"""docs/channels.md and docs/webhook.md are true: their entries are read, their example is what the schema says, and
their way of checking a signature takes what is sent."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from pytest_httpserver import HTTPServer

from alerts.channels.webhook import Webhook, WebhookOptions
from alerts.notice import for_test
from alerts.registry import CHANNELS
from listener.configfile import parse_text

DOCS = Path(__file__).parent.parent / "docs"
CHANNELS_PAGE = (DOCS / "channels.md").read_text(encoding="utf-8")
WEBHOOK_PAGE = (DOCS / "webhook.md").read_text(encoding="utf-8")

SECRET = "whsec_" + "QUJD" * 10
ENVIRONMENT = {
    "OPS_WEBHOOK": "https://example.com/x",
    "SMTP_PASSWORD": "x",
    "TEAMS_WORKFLOW_URL": "https://prod-1.westeurope.logic.azure.com/workflows/1/invoke?sig=x",
    "DISCORD_WEBHOOK_URL": "https://discord.com/api/webhooks/1/x",
    "SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/T0/B0/x",
    "TICKETS_SECRET": SECRET,
    "TICKETS_AUTHORIZATION": "Bearer x",
}


def blocks(page: str, language: str) -> list[str]:
    """The page's blocks of code in this language."""
    return re.findall(rf"```{language}\n(.*?)```", page, re.S)


@pytest.mark.parametrize("entry", blocks(CHANNELS_PAGE, "yaml") + blocks(WEBHOOK_PAGE, "yaml"))
@pytest.mark.parametrize("environment", [ENVIRONMENT, None])
def test_every_entry_reads(entry: str, environment: dict[str, str] | None) -> None:
    config = parse_text(entry, Path("escucha.yml"), environment)

    assert config.channels


def test_the_table_names_every_kind() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", CHANNELS_PAGE, re.M)) == set(CHANNELS)


@pytest.mark.parametrize("kind", CHANNELS)
def test_the_table_says_what_is_updated(kind: str) -> None:
    [row] = re.findall(rf"^\| `{kind}` \|.*$", CHANNELS_PAGE, re.M)

    assert row.split("|")[3].strip().startswith("yes" if _edits(kind) else "no")


def test_the_example_is_as_the_schema_says() -> None:
    [example] = blocks(WEBHOOK_PAGE, "json")
    schema = json.loads((DOCS / "webhook.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)

    Draft202012Validator(schema, format_checker=FormatChecker()).validate(json.loads(example))


def test_the_page_checks_what_is_sent(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/x").respond_with_data("ok")
    now = datetime.now(UTC)
    options = WebhookOptions.model_validate({"url": httpserver.url_for("/x"), "secret": SECRET})
    Webhook.from_options("x", options, lambda: now).send(for_test("x", now))
    [(request, _)] = httpserver.log
    page: dict[str, object] = {}
    [code] = blocks(WEBHOOK_PAGE, "python")
    exec(compile(code, "docs/webhook.md", "exec"), page)
    is_ours = page["is_ours"]
    headers = {name.lower(): value for name, value in request.headers.items()}

    assert callable(is_ours)
    assert is_ours(request.get_data(), headers, SECRET)
    assert not is_ours(request.get_data() + b" ", headers, SECRET)
    assert not is_ours(request.get_data(), headers | {"webhook-timestamp": "1"}, SECRET)


def _edits(kind: str) -> bool:
    # Each kind is built by a class method of its class.
    return bool(CHANNELS[kind].build.__self__.edits)  # type: ignore[attr-defined]
