"""Microsoft Teams, as the trigger "when a Teams webhook request is received" and Adaptive Cards are documented."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from alerts.channel import ChannelSetupError, TryLater, Undeliverable
from alerts.channels.teams import TeamsOptions, TeamsWorkflow
from alerts.reasons import Reason

from .conformance import HttpContract, HttpFarEnd, assert_tame, failure, strings

SIGNATURE = "s3cretSignatureOfTheWorkflow"
PATH = (
    f"/workflows/0a1b2c3d4e5f/triggers/manual/paths/invoke?api-version=2016-06-01&sp=%2Ftriggers&sv=1.0&sig={SIGNATURE}"
)

_ELEMENTS: dict[str, set[str]] = {
    "AdaptiveCard": {"type", "$schema", "version", "fallbackText", "msteams", "body", "actions"},
    "Container": {"type", "style", "bleed", "items"},
    "RichTextBlock": {"type", "inlines", "spacing", "separator"},
    "TextRun": {"type", "text", "size", "weight", "color", "isSubtle"},
    "Action.OpenUrl": {"type", "title", "url"},
}
"""What our cards are made of: none of it reads Markdown, sends anything back or mentions anybody."""


class FakeWorkflow(HttpFarEnd):
    secrets = (SIGNATURE,)

    def __init__(self, server: HTTPServer) -> None:
        super().__init__(server)
        self.cards: list[Any] = []

    def at(self, base: str, **options: Any) -> TeamsWorkflow:
        return TeamsWorkflow.from_options("team", TeamsOptions(url=base + PATH, **{"timeout": 5.0, **options}))

    def taken(self, request: Request) -> Response:
        message = request.get_json()
        if len(request.get_data()) > 28 * 1024:
            return refusal(413, "RequestEntityTooLarge")
        [attachment] = message["attachments"]
        if message["type"] != "message" or attachment["contentType"] != "application/vnd.microsoft.card.adaptive":
            return refusal(400, "InvalidRequestContent")
        self.cards.append(attachment["content"])
        return Response("", 202, {"x-ms-workflow-run-id": "08584000000000000000000000000CU00"})

    def received(self) -> list[Any]:
        return self.cards

    def words(self, message: Any) -> str:
        return "\n".join(strings(message))

    def assert_inert(self, message: Any) -> None:
        assert message["msteams"] == {"width": "Full"}, "mentions stand in msteams.entities"
        for element in elements(message):
            assert element.keys() <= _ELEMENTS[element["type"]]
            if "url" in element:
                assert re.match(r"https?://[^\s\"<>@]+$", element["url"])
        for text in strings(message):
            assert_tame(text)
            assert "{{" not in text
            assert "${" not in text

    def assert_within_limits(self, message: Any) -> None:
        # What was sent was checked where it came in; here is what the card itself may hold.
        assert message["version"] == "1.4"
        assert len(message["actions"]) <= 6
        assert all(element["text"] for element in elements(message) if element["type"] == "TextRun")
        assert all(element["inlines"] for element in elements(message) if element["type"] == "RichTextBlock")
        assert all(element["items"] for element in elements(message) if element["type"] == "Container")


def elements(card: Any) -> Iterator[dict[str, Any]]:
    yield card
    for part in ("body", "actions", "items", "inlines"):
        for element in card.get(part, []):
            yield from elements(element)


def refusal(status: int, code: str) -> Response:
    body = {"error": {"code": code, "message": f"The workflow's request failed: {code}."}}
    return Response(json.dumps(body), status, content_type="application/json")


class TestTeams(HttpContract):
    @pytest.fixture
    def far_end(self, httpserver: HTTPServer) -> FakeWorkflow:
        return FakeWorkflow(httpserver)

    def test_the_receipt_names_the_run_by_which_a_lost_card_is_found(self, far_end, a_notice):
        assert far_end.channel().send(a_notice()).detail == "answered 202, run 08584000000000000000000000000CU00"

    def test_a_card_leads_to_the_incident_and_to_the_mention(self, far_end, a_notice):
        far_end.channel().send(a_notice())
        [card] = far_end.received()
        assert [(one["title"], one["url"]) for one in card["actions"]] == [
            ("Open the incident", "http://127.0.0.1:8000/incidents/7"),
            ("Open the mention", "https://news.example/item?id=1&x=2"),
        ]

    @pytest.mark.parametrize(
        ("status", "code", "words"),
        [
            (400, "WorkflowTriggerIsNotEnabled", "switch it on in Power Automate"),
            (404, "WorkflowNotFound", "was deleted"),
            (401, "DirectApiAuthorizationRequired", "wants people to log in"),
            (403, "AuthorizationFailed", "key was renewed"),
        ],
    )
    def test_a_workflow_that_will_never_run_switches_the_channel_off(self, far_end, a_notice, status, code, words):
        far_end.answers = [refusal(status, code)]
        error = failure(Undeliverable, far_end, a_notice)
        assert (error.reason, error.disables_channel) == (Reason.CHANNEL_REFUSED, True)
        assert words in error.message

    @pytest.mark.parametrize("body", ["[]", '{"error": "x"}', '{"error": {"code": ["x"]}}', "[" * 9_000, "no"])
    def test_a_failure_in_other_words_is_about_this_message(self, far_end, a_notice, body):
        far_end.answers = [Response(body, 400)]
        assert failure(Undeliverable, far_end, a_notice).disables_channel is False

    def test_too_many_at_once_pauses_the_channel(self, far_end, a_notice):
        far_end.answers = [refusal(429, "WorkflowRunActionThrottled")]
        assert failure(TryLater, far_end, a_notice).whole_channel is True


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (f"https://x.webhook.office.com/webhookb2/{SIGNATURE}", "has retired"),
        (f"https://outlook.office.com/webhook/{SIGNATURE}", "has retired"),
        (f"https://prod-1.westeurope.logic.azure.com:443/workflows/{SIGNATURE}/paths/invoke?api-version=1", "sig="),
        ("http://prod-1.westeurope.logic.azure.com" + PATH, "it takes https://"),
        ("", "got nothing"),
    ],
)
def test_what_is_no_workflow_is_refused_in_words_without_the_secret(url, words):
    with pytest.raises(ChannelSetupError, match=re.escape(words)) as caught:
        TeamsWorkflow("team", url)
    assert SIGNATURE not in str(caught.value)
