import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.slack.mrkdwn import cut, inline, link, quotation
from alerts.text import BIDI_CONTROLS, size

NASTY = st.text(
    st.one_of(st.sampled_from("&<>!@#|*_~`:; \n\r\t\u202e\u2066\u2028\x00\x1b😀e\u0301\u200dab1"), st.characters())
)
ENTITY = re.compile(r"&(?!(?:amp|lt|gt);)")


def assert_harmless(written: str, limit: int) -> None:
    assert size(written) <= limit
    assert "<" not in written
    assert not set(written) & {"*", "~", "`", "\r", "\x00", "\x1b"}
    assert not set(written) & BIDI_CONTROLS
    assert not ENTITY.search(written), "every & begins a whole entity"
    assert not re.search(r":[\w+'-]+:", written)
    assert not re.search(r"(?<![^\W_])_[^_]+_(?![^\W_])", written), "nothing to make italic"


@settings(deadline=None, max_examples=25)
@given(NASTY, st.integers(min_value=20, max_value=60))
def test_a_line_is_harmless(text, limit):
    line = inline(text, limit)
    assert_harmless(line, limit)
    assert "\n" not in line
    assert not line.startswith((">", "&gt;"))


@settings(deadline=None, max_examples=25)
@given(NASTY, st.integers(min_value=20, max_value=60))
def test_every_line_of_a_quotation_is_behind_the_bar(text, limit):
    quoted = quotation(text, limit)
    assert size(quoted) <= limit
    for line in quoted.split("\n"):
        # A cut may leave nothing of the last line but the bar.
        assert line.startswith(("> ", ">…"))
        if quoted != "> _no text_":
            assert_harmless(line[1:], limit)
            assert ">" not in line[1:]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("<!channel> read <https://evil.example|this> & <@U1>", "&lt;!channel&gt; read &lt;https∶//".replace("∶", ":")),
        ("*bold* _it_ ~no~ `code`", "∗bold∗ ˍitˍ ∼no∼ ˋcodeˋ"),
        ("my_name and snake_case_too", "my_name and snake_case_too"),
        (":rotating_light: at 10:30", "∶rotating_light: at 10:30"),
        ("> quoted", "› quoted"),
        ("a\n\nb", "a b"),
    ],
)
def test_what_a_line_looks_like(text, line):
    assert inline(text, 200).startswith(line)


def test_a_quotation_keeps_its_lines_and_drops_empty_crowds():
    assert quotation("\n\none\r\n\r\n\r\n \ntwo  \n> three", 200) == "> one\n> \n> two\n> &gt; three"


@pytest.mark.parametrize("text", ["", " \n\t ", "\u202e\x00"])
def test_nothing_to_quote_is_said(text):
    assert quotation(text, 100) == "> _no text_"


def test_an_entity_is_never_halved():
    for limit in range(1, 13):
        assert cut("&amp;&lt;&gt;", limit) in {"…", "&amp;…", "&amp;&lt;…"}


def test_a_link_escapes_its_address():
    assert link("https://a.example/?x=1&y=2", "Open") == "<https://a.example/?x=1&amp;y=2|Open>"
