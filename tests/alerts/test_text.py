import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.text import BIDI_CONTROLS, around, one_line, shorten, size, tame, visible

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=[]))


def test_taming():
    assert tame("a\r\nb\rc\u2028d\x00\x1b[31me\tf\ud800") == "a\nb\nc\nd[31me f\ufffd"


def test_bidi_controls_go_and_hebrew_stays():
    assert tame("\u202eegassem\u202c \u2067שלום\u2069\u200f") == "egassem שלום\u200f"


def test_one_line():
    assert one_line("  a\n\n b\t\u2029c ") == "a b c"


def test_visible():
    assert visible("a\x1b[31m\nb\u202ec\x9b\ud800é") == r"a\x1b[31m\nb\u202ec\x9b\ud800é"


@pytest.mark.parametrize(
    ("text", "limit", "short"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("ab cd", 4, "ab…"),
        ("abc", 0, ""),
        ("😀😀", 4, "😀😀"),
        ("😀😀", 3, "😀…"),
        ("ae\u0301x", 3, "a…"),  # an accent is not parted from its letter
        ("a👩\u200d💻b", 5, "a…"),  # nor the halves of a joined emoji
    ],
)
def test_shortening(text, limit, short):
    assert shorten(text, limit) == short


@settings(deadline=None)
@given(ANY_TEXT, st.integers(min_value=1, max_value=50), st.integers(min_value=0, max_value=80))
def test_limits_hold(text, limit, start):
    assert size(shorten(text, limit)) <= limit
    assert size(around(text, start, limit)) <= limit
    if size(text) <= limit:
        assert shorten(text, limit) == around(text, start, limit) == text


@settings(deadline=None)
@given(ANY_TEXT)
def test_tamed_text_is_harmless(text):
    tamed = tame(text)
    tamed.encode("utf-8")
    assert not set(tamed) & BIDI_CONTROLS
    assert all(character.isprintable() or character == "\n" or ord(character) > 0x9F for character in tamed)
    visible(text).encode("utf-8")
    assert len(visible(text).splitlines()) <= 1


@settings(deadline=None)
@given(st.integers(min_value=0, max_value=400), st.integers(min_value=0, max_value=400))
def test_the_place_asked_for_is_in_view(before, after):
    assert "#" in around("x" * before + "#" + "y" * after, before, 60)
