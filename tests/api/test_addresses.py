"""Under which addresses an installation is reached, and for which names it answers."""

import pytest

from api.addresses import public_url, trusted_hosts
from listener.config import Settings


@pytest.mark.parametrize(
    ("host", "public", "expected"),
    [
        ("127.0.0.1", None, "http://127.0.0.1:8765"),
        ("::1", None, "http://[::1]:8765"),
        ("0.0.0.0", None, "http://localhost:8765"),
        ("::", None, "http://localhost:8765"),
        ("intranet", None, "http://intranet:8765"),
        ("0.0.0.0", "https://escucha.example", "https://escucha.example"),
    ],
)
def test_a_link_can_be_opened(host: str, public: str | None, expected: str) -> None:
    assert public_url(Settings(host=host, port=8765, public_url=public)) == expected


LOCAL = {"localhost", "127.0.0.1", "[::1]"}


@pytest.mark.parametrize(
    ("host", "public", "expected"),
    [
        ("127.0.0.1", None, LOCAL),
        ("fd00::5", None, LOCAL | {"[fd00::5]"}),
        ("0.0.0.0", None, {"*"}),
        ("::", None, {"*"}),
        ("0.0.0.0", "https://escucha.example:8443/x", LOCAL | {"0.0.0.0", "escucha.example"}),
        ("10.0.0.5", "http://[fd00::7]:80", LOCAL | {"10.0.0.5", "[fd00::7]"}),
    ],
)
def test_it_answers_to_its_own_names_only(host: str, public: str | None, expected: set[str]) -> None:
    assert set(trusted_hosts(Settings(host=host, public_url=public))) == expected


def test_an_international_name_is_trusted_as_browsers_send_it() -> None:
    assert "xn--mnchen-3ya.example" in trusted_hosts(Settings(public_url="http://münchen.example"))
