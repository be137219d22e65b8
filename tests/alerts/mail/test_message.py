from email import message_from_bytes, policy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.mail.addresses import read_address
from alerts.mail.message import compose

SENDER = read_address("Escucha <escucha@example.com>")
TO = (read_address("Ana Ruiz <ana@example.com>"), read_address("ben@exämple.com"))

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=[]))


@settings(deadline=None, max_examples=25)
@given(text=ANY_TEXT, title=ANY_TEXT, key=ANY_TEXT.filter(bool), channel=ANY_TEXT)
def test_whatever_is_told_the_message_is_ascii_and_its_headers_are_ours(a_notice, text, title, key, channel):
    notice = a_notice(text=text, author=text, title=title, why=text, key=key)
    raw = compose(notice, channel=channel, sender=SENDER, to=TO).as_bytes()
    raw.decode("ascii")
    read = message_from_bytes(raw, policy=policy.default)
    assert read["To"] == "Ana Ruiz <ana@example.com>, ben@xn--exmple-cua.com"
    assert read["Bcc"] is None
    assert read["Message-ID"].endswith("@example.com>")
    assert not read.defects
    assert read["Subject"]


@pytest.mark.parametrize(
    "written", ["ana", "@example.com", "ana@", "a b@example.com", "ana@-x.com", "a@x..com", "é@x.com"]
)
def test_what_is_no_address_is_refused_in_words(written):
    with pytest.raises(ValueError, match="an address looks like"):
        read_address(written)
