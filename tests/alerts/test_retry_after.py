import pytest

from alerts.retry_after import LONGEST, seconds_to_wait

DATE = "Sat, 21 Nov 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("header", "date", "seconds"),
    [
        (None, None, None),
        ("30", None, 30.0),
        ("0.5", None, 0.5),
        ("-3", None, 0.0),
        ("nan", None, None),
        ("inf", None, LONGEST),
        ("999999999999", None, LONGEST),
        ("Sat, 21 Nov 2026 12:01:00 GMT", DATE, 60.0),
        ("Sat, 21 Nov 2026 11:00:00 GMT", DATE, 0.0),
        ("Sat, 21 Nov 2026 12:01:00 GMT", None, None),
        ("soon", DATE, None),
        ("Sat, 21 Nov 2026 12:01:00 -0000", DATE, 60.0),
        (" 2.5 ", None, 2.5),
        ("", DATE, None),
        ("Fri, 31 Dec 9999 23:59:59 -2359", DATE, LONGEST),
        ("Mon, 01 Jan 0001 00:00:00 +2359", DATE, 0.0),
        ("Sat, 21 Nov 99999999999 12:01:00 GMT", DATE, None),
        ("Sat, 21 Nov 2026 12:01:00 GMT", "Sat, 21 Nov 99999999999 12:00:00 GMT", None),
    ],
)
def test_header(header, date, seconds):
    assert seconds_to_wait(header, date) == seconds
