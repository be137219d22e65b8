import re

import pytest

from alerts.channel import ChannelSetupError
from alerts.web.address import checked, is_local
from alerts.web.ids import plain_id

EXAMPLE = "https://example.com/x"


def test_an_address_shows_its_host_alone():
    address = checked(
        "  https://example.com:8443/hooks/s3cretkeyofmine?sig=s3cretsignature&v=1 ", "an address", EXAMPLE
    )
    assert (address.host, "s3cret" in repr(address)) == ("example.com:8443", False)
    said = address.redacted("Cannot POST /hooks/s3cretkeyofmine?sig=s3cretsignature&v=1, nor s3cretsignature")
    assert "s3cret" not in said
    assert said.startswith("Cannot POST ")


@pytest.mark.parametrize(
    ("address", "words"),
    [
        (" ", "got nothing"), ("https://ex ample.com/", "spaces"), ("https://exämple.com/", "characters"),
        ("https://example.com:port/", "makes no sense"), ("mailto:ana@example.com", "start with https://"),
        ("https://me:s3cret@example.com/", "a user name in it"), ("http://example.com/s3cret", "takes https://"),
        ("https://example.com/s3cret#x", "a # in it"),
    ],
)  # fmt: skip
def test_what_is_none_is_refused_in_words(address, words):
    with pytest.raises(ChannelSetupError, match=re.escape(words)) as caught:
        checked(address, "an address", EXAMPLE)
    assert "s3cret" not in str(caught.value)
    assert EXAMPLE in str(caught.value)


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("localhost", True), ("relay", True), ("relay.local", True), ("x.internal.", True), ("127.0.0.1", True),
        ("::1", True), ("fe80::1", True), ("192.168.1.2", True), ("8.8.8.8", False), ("example.com", False),
        ("localhost.example.com", False), ("2606:4700::1111", False), ("notlocal", True), ("evil-internal.com", False),
    ],
)  # fmt: skip
def test_what_is_ones_own_network(host, local):
    assert is_local(host) is local


def test_a_key_that_is_plain_stays_and_another_becomes_the_same_one_each_time():
    assert plain_id("spike-opened-0123456789abcdef") == "spike-opened-0123456789abcdef"
    odd = plain_id("summary-ops@x\r\nBcc: evil")
    assert re.fullmatch(r"notice-[0-9a-f]{16}", odd)
    assert odd == plain_id("summary-ops@x\r\nBcc: evil") != plain_id("summary-ops@y\r\nBcc: evil")
    assert plain_id("x" * 500).startswith("notice-")
