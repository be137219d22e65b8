"""Charts are pictures of one width on light paper, whatever names and numbers they are given."""

import struct
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.notice import Language
from listener.chart_looks import COLOURS
from listener.charts import Bar, Slice, over_time, shares

SINCE = datetime(2026, 10, 24, 22, tzinfo=UTC)
MADRID = ZoneInfo("Europe/Madrid")


def size(png: bytes) -> tuple[int, int]:
    """Width and height out of the picture's first chunk (PNG, 11.2.2)."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def drawn(
    bars: list[Bar], *, hours: int = 25, by_day: bool = False, title: str = "", language: Language = "en"
) -> bytes:
    return over_time(
        bars, since=SINCE, until=SINCE + timedelta(hours=hours), by_day=by_day, zone=MADRID, title=title,
        language=language,
    )  # fmt: skip


@pytest.mark.parametrize("language", ["en", "es"])
def test_all_charts_are_of_one_width(language: Language) -> None:
    bars = [Bar(SINCE + timedelta(hours=hour), label, hour) for hour in range(25) for label in COLOURS]
    slices = [Slice("Aeroluz", 0.7, 0.6, 0.8, own=True), Slice("A long name " * 9, 0.3, 0.2, 0.4, own=False)]

    widths = {
        size(drawn(bars, language=language))[0],
        size(drawn(bars, hours=168, by_day=True, language=language))[0],
        size(shares(slices, title="x", language=language))[0],
    }

    assert len(widths) == 1


def test_a_day_of_25_hours_has_a_bar_for_each_of_them() -> None:
    # The hour from two to three comes twice: with a mention in both of them no bar is twice as high as in one.
    twice = drawn([Bar(SINCE + timedelta(hours=hour), "promoter", 1) for hour in (2, 3)])
    once = drawn([Bar(SINCE + timedelta(hours=2), "promoter", 2)])

    assert twice != once
    assert size(twice) == size(once)


def test_empty_time_is_drawn_too() -> None:
    assert size(drawn([]))[1] > 200


def test_names_that_are_cut_alike_stay_apart() -> None:
    long = "The same beginning of a name that is far too long"
    one = shares([Slice(long, 0.5, 0.4, 0.6, own=True)], title="x", language="en")
    two = shares([Slice(long + end, 0.5, 0.4, 0.6, own=True) for end in "ab"], title="x", language="en")

    assert size(two)[1] > size(one)[1]


@given(st.text(max_size=40), st.floats(0, 1))
@settings(max_examples=20, deadline=None)
def test_no_name_ends_the_process(name: str, value: float) -> None:
    size(shares([Slice(name, value, 0.0, 1.0, own=True)], title=name, language="es"))
    size(drawn([Bar(SINCE, "detractor", 3)], title=name))
