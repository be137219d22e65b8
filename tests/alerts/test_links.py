import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.links import web_link


@pytest.mark.parametrize(
    ("address", "link"),
    [
        ("https://news.example/item?id=1&b=2#top", "https://news.example/item?id=1&b=2#top"),
        ("http://127.0.0.1:8000/incidents/7", "http://127.0.0.1:8000/incidents/7"),
        ("http://[::1]:8000/x", "http://[::1]:8000/x"),
        ("HTTPS://Münch.example/straße", "https://xn--mnch-0ra.example/stra%C3%9Fe"),
        ('https://a.example/x|y>z<w"v u%20\\', "https://a.example/x%7Cy%3Ez%3Cw%22v%20u%20%5C"),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("file:///etc/passwd", None),
        ("//a.example/x", None),
        ("https://", None),
        ("https://bank.example@evil.example/", None),
        ("https://a.example:99999/", None),
        ("https://[broken/", None),
        ("https://a..b/", None),
        ("https://a.example/" + "x" * 2_000, None),
        ("", None),
        (None, None),
    ],
)
def test_links(address, link):
    assert web_link(address) == link


@settings(deadline=None)
@given(st.text())
def test_no_address_breaks_out_of_a_link(tail):
    link = web_link("https://a.example/" + tail)
    assert link is None or not set(link) & set('<>|"\\ \n')
