import pytest

from alerts.channel import TryLater, Undeliverable
from alerts.reasons import Reason
from alerts.slack.answers import failure_in
from alerts.web.post import Answer

HOST = "hooks.slack.com"


@pytest.mark.parametrize("status", [200, 202, 204])
def test_taken(status):
    assert failure_in(Answer(status, {}, "ok"), HOST) is None


@pytest.mark.parametrize(
    ("status", "body", "headers", "reason", "after", "ambiguous"),
    [
        (429, "rate_limited", {"Retry-After": "7"}, Reason.RATE_LIMITED, 7.0, False),
        (429, "", {}, Reason.RATE_LIMITED, None, False),
        (500, "rollup_error", {}, Reason.SERVER_ERROR, None, True),
        (503, "<html>", {"Retry-After": "60"}, Reason.SERVER_ERROR, 60.0, True),
        (408, "", {}, Reason.TIMED_OUT, None, True),
    ],
)
def test_try_later(status, body, headers, reason, after, ambiguous):
    failure = failure_in(Answer(status, headers, body), HOST)
    assert isinstance(failure, TryLater)
    assert (failure.reason, failure.after, failure.ambiguous) == (reason, after, ambiguous)
    assert failure.whole_channel == (status == 429)
    assert str(status) in failure.message


@pytest.mark.parametrize(
    ("status", "body", "reason", "disables", "words"),
    [
        (400, "invalid_payload", Reason.REJECTED, False, "please report this"),
        (400, "invalid_blocks", Reason.REJECTED, False, "answered 400 (invalid_blocks)"),
        (400, "too_many_attachments", Reason.REJECTED, False, "too long"),
        (413, "", Reason.REJECTED, False, "too long"),
        (400, "user_not_found", Reason.CHANNEL_REFUSED, True, "create a new webhook"),
        (401, "", Reason.CHANNEL_REFUSED, True, "does not accept us"),
        (403, "<html>Blocked by DLP", Reason.REJECTED, False, "a firewall on the way"),
        (403, "Request blocked", Reason.REJECTED, False, "a firewall on the way"),
        (403, "action_prohibited", Reason.CHANNEL_REFUSED, True, "administrator"),
        (403, "invalid_token", Reason.CHANNEL_REFUSED, True, "create a new webhook"),
        (404, "no_service", Reason.CHANNEL_REFUSED, True, "the webhook was removed"),
        (404, "<html>nginx", Reason.CHANNEL_REFUSED, True, "hooks.slack.com answered 404: "),
        (404, "channel_not_found", Reason.CHANNEL_REFUSED, True, "deleted"),
        (410, "channel_is_archived", Reason.CHANNEL_REFUSED, True, "unarchive it"),
        (302, "", Reason.CHANNEL_REFUSED, True, "a redirect"),
        (200, "<html>log in", Reason.CHANNEL_REFUSED, True, "web page"),
    ],
)
def test_undeliverable(status, body, reason, disables, words):
    failure = failure_in(Answer(status, {}, body), HOST)
    assert isinstance(failure, Undeliverable)
    assert (failure.reason, failure.disables_channel) == (reason, disables)
    assert words in failure.message
