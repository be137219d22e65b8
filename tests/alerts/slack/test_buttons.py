"""What buttons carry comes back as it was, and nothing else is taken for one of ours."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.slack.buttons import Snooze, Target
from alerts.slack.press import Press, read_press
from alerts.slack.signature import Signed, SigningSecret, digest
from tests.alerts.slack.fake_slack import SIGNING_SECRET, signed

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
TARGETS = st.builds(
    Target, st.integers(1, 10**18 - 1), st.integers(1, 10**9 - 1), st.sampled_from(["en", "es"]),
    st.none() | st.sampled_from(Snooze),
)  # fmt: skip


@given(target=TARGETS)
def test_a_target_comes_back_as_it_was_and_fits_into_a_choice(target):
    assert Target.parse(str(target)) == target
    assert len(str(target)) <= 75


@given(value=st.text())
def test_no_other_text_is_a_target(value):
    parsed = Target.parse(value)
    assert parsed is None or str(parsed.alert_id).isascii()


@pytest.mark.parametrize("value", ["", "1", "1:2", "1:2:fr", "1:2:en:5h", "-1:2:en", "٣:2:en", "1:2:en\n", " 1:2:en"])
def test_what_looks_almost_like_a_target_is_none(value):
    assert Target.parse(value) is None


@given(name=st.text(max_size=200), value=st.text(max_size=400))
def test_a_press_is_stored_and_read_back(name, value):
    said = {"type": "block_actions", "user": {"id": "U1", "name": name}, "actions": [{"value": value}]}
    press = read_press(json.dumps(said))
    assert Press.from_json(press.to_json()) == press
    assert press.to_json().isascii()


def holds(headers, body: bytes, now: datetime = NOW) -> bool:
    read = Signed.read(headers.get("X-Slack-Request-Timestamp"), headers.get("X-Slack-Signature"), now)
    return read is not None and SigningSecret(SIGNING_SECRET).holds(read, body, now)


@given(body=st.binary(max_size=200).filter(lambda body: body.isascii()), off=st.integers(-300, 300))
def test_what_slack_signed_within_five_minutes_is_believed(body, off):
    headers, body = signed(body, NOW + timedelta(seconds=off))
    assert holds(headers, body)


@given(body=st.binary(max_size=50), other=st.binary(max_size=50), off=st.integers(301, 10**6))
def test_anything_else_is_not(body, other, off):
    headers, _ = signed(body, NOW)
    assert body == other or not holds(headers, other)
    assert not holds(signed(body, NOW - timedelta(seconds=off))[0], body)
    assert not holds(signed(body, NOW + timedelta(seconds=off))[0], body)
    assert not holds(signed(body, NOW, "another")[0], body)


def test_the_digest_tells_requests_apart_by_time_and_body():
    first, second = Signed("100", "v0=" + "0" * 64), Signed("101", "v0=" + "0" * 64)
    assert len({digest(first, b"a"), digest(second, b"a"), digest(first, b"b")}) == 3
    assert digest(first, b"a") == digest(Signed("100", "v0=" + "1" * 64), b"a")
