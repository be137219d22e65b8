"""Who is believed: known answers of other systems' schemes, and nothing near them."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listener.push.signature import ForeignSignature, OwnSignature, Proof, Token, sign

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SECRET = b"it's a secret to everybody"
STAMP = int(NOW.timestamp())


def test_githubs_own_example_holds() -> None:
    # https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation
    expected = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    proof = ForeignSignature((b"It's a Secret to Everybody",), "X-Hub-Signature-256", prefix="sha256=")
    assert proof.holds({"X-Hub-Signature-256": expected}, None, b"Hello, World!", NOW)
    assert proof.holds({"X-Hub-Signature-256": expected.upper()}, None, b"Hello, World!", NOW)
    assert not proof.holds({"X-Hub-Signature-256": expected}, None, b"Hello, World", NOW)
    assert not proof.holds({"X-Hub-Signature-256": expected.removeprefix("sha256=")}, None, b"Hello, World!", NOW)


def base64_of(algorithm: str, message: bytes) -> str:
    return base64.b64encode(hmac.new(SECRET, message, algorithm).digest()).decode()


@pytest.mark.parametrize(
    ("options", "header"),
    [
        ({"header": "Typeform-Signature", "encoding": "base64", "prefix": "sha256="},
         "sha256=" + base64_of("sha256", b"{}")),
        ({"header": "X-Shopify-Hmac-SHA256", "encoding": "base64"}, base64_of("sha256", b"{}")),
        ({"header": "X-Hub-Signature", "algorithm": "sha1", "prefix": "sha1="},
         "sha1=" + hmac.new(SECRET, b"{}", hashlib.sha1).hexdigest()),
    ],
)  # fmt: skip
def test_schemes_over_the_body(options: dict[str, Any], header: str) -> None:
    proof = ForeignSignature((b"another", SECRET), **options)
    assert proof.holds({options["header"]: header}, None, b"{}", NOW)
    assert not proof.holds({options["header"]: header}, None, b"{ }", NOW)
    assert not proof.holds({options["header"]: header[:-2]}, None, b"{}", NOW)
    assert not proof.holds({}, None, b"{}", NOW)


@pytest.mark.parametrize(
    ("stamp", "good"),
    [
        ("2026-11-21T12:00:00Z", True), ("2026-11-21T11:55:00Z", True), ("2026-11-21T11:54:59Z", False),
        ("2026-11-21T12:05:01Z", False), (str(STAMP), True), (str(STAMP - 301), False), ("", False), ("now", False),
        ("9" * 400, False), ("²", False),
    ],
)  # fmt: skip
def test_zendesks_time_is_signed_with_the_body_and_must_be_near(stamp: str, good: bool) -> None:
    proof = ForeignSignature(
        (SECRET,), "X-Zendesk-Webhook-Signature", encoding="base64", signed="{timestamp}{body}",
        timestamp_header="X-Zendesk-Webhook-Signature-Timestamp",
    )  # fmt: skip
    headers = {
        "X-Zendesk-Webhook-Signature": base64_of("sha256", stamp.encode() + b"{}"),
        "X-Zendesk-Webhook-Signature-Timestamp": stamp,
    }
    assert proof.holds(headers, None, b"{}", NOW) is good
    later = headers | {"X-Zendesk-Webhook-Signature-Timestamp": "2026-11-21T12:00:01Z"}
    assert not proof.holds(later, None, b"{}", NOW)


def own(stamp: int = STAMP, body: bytes = b"{}", secret: bytes = SECRET) -> dict[str, str]:
    return {"X-Escucha-Timestamp": str(stamp), "X-Escucha-Signature": sign(secret, stamp, body)}


def test_ours_is_what_the_page_says() -> None:
    by_hand = "v0=" + hmac.new(SECRET, b"v0:1763628694:{}", hashlib.sha256).hexdigest()
    assert sign(SECRET, 1763628694, b"{}") == by_hand
    proof = OwnSignature((SECRET,))
    assert proof.holds(own(), None, b"{}", NOW)
    for seconds, good in ((300, True), (-300, True), (301, False), (-301, False)):
        assert proof.holds(own(), None, b"{}", NOW + timedelta(seconds=seconds)) is good
    assert not proof.holds(own(secret=b"another"), None, b"{}", NOW)
    assert OwnSignature((b"new", SECRET)).holds(own(), None, b"{}", NOW)


@given(st.text(), st.text(), st.binary(max_size=20))
def test_nothing_made_up_is_believed_and_nothing_breaks(stamp: str, signature: str, body: bytes) -> None:
    proofs: list[Proof] = [
        OwnSignature((SECRET,)), Token(("a token of some length",)),
        ForeignSignature(
            (SECRET,), "X-Escucha-Signature", signed="{timestamp}.{body}", timestamp_header="X-Escucha-Timestamp"
        ),
    ]  # fmt: skip
    headers = {"X-Escucha-Timestamp": stamp, "X-Escucha-Signature": signature, "Authorization": f"Bearer {signature}"}
    assert not any(proof.holds(headers, stamp, body, NOW) for proof in proofs)


def test_a_token_is_good_in_the_header_and_in_the_address_and_an_empty_one_nowhere() -> None:
    proof = Token(("the new token", "the old token"))
    assert proof.holds({"Authorization": "bearer the new token"}, None, b"", NOW)
    assert proof.holds({}, "the old token", b"", NOW)
    assert not proof.holds({"Authorization": "Bearer wrong"}, "the old token", b"", NOW)
    assert not Token(("",)).holds({"Authorization": "Bearer "}, "", b"", NOW)
