from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.durations import in_words, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("30m", 1800), ("4h", 14400), ("1d", 86400), ("2w", 1209600), (" 1H 30m ", 5400)]
)
def test_text_is_read(text, seconds):
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "4", "h", "4 hours", "-4h", "4h!", "1.5h"])
def test_other_text_is_refused_in_words(text):
    with pytest.raises(ValueError, match="a length of time looks like"):
        parse_duration(text)


def test_too_long_is_refused():
    with pytest.raises(ValueError, match="too long"):
        parse_duration("9" * 30 + "w")


def test_other_types_are_left_to_pydantic():
    assert parse_duration(60) == 60


@settings(deadline=None)
@given(st.integers(min_value=0, max_value=10**8))
def test_what_is_written_is_read_back(seconds):
    assert parse_duration(in_words(timedelta(seconds=seconds))) == timedelta(seconds=seconds)
