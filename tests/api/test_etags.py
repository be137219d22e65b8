"""Versions that are asked back: what is read of If-Match and If-None-Match (RFC 9110, section 13)."""

import pytest
from fastapi import HTTPException

from api import etags


def test_a_version_is_a_strong_tag_in_quotes() -> None:
    assert etags.etag(3) == '"3"'
    assert etags.etag("a-b") == '"a-b"'
    with pytest.raises(ValueError, match="entity tag"):
        etags.etag('a"b')


@pytest.mark.parametrize("header", ['"3"', "*", ' "1", "3" ', '"1","2",,"3"', '"a,b" , "3"', 'W/"1", "3"'])
def test_a_change_of_the_version_that_was_read_passes(header: str) -> None:
    etags.check(header, 3)


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (None, 428), ('"2"', 412), ('W/"3"', 412), ('"33"', 412), ('""', 412),
        ("3", 400), ("", 400), ('"3', 400), ('"1" "3"', 400), ('"1", *', 400), ("é", 400),
    ],
)  # fmt: skip
def test_a_change_of_another_version_is_refused(header: str | None, status: int) -> None:
    with pytest.raises(HTTPException) as refused:
        etags.check(header, 3)

    assert refused.value.status_code == status
    if status == 412:
        assert refused.value.headers == {"ETag": '"3"'}


@pytest.mark.parametrize(
    ("header", "same"),
    [('"3"', True), ('W/"3"', True), ("*", True), ('"1", W/"3"', True), ('"4"', False), (None, False), ("3", False)],
)
def test_what_was_read_already_is_not_sent_again(header: str | None, same: bool) -> None:
    assert etags.none_match(header, etags.etag(3)) is same
