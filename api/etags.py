"""Versions of what can be edited: a tag when it is read, asked back when it is changed (RFC 9110, sections 8.8.3, 13).

Whoever changes settings says which version they have seen (``If-Match``), so that two people who edit the same thing
do not undo each other's work without a word.
"""

import re
from typing import Annotated

from fastapi import Header, HTTPException

LONGEST = 2_000
"""Characters of such a header that are read; a list of tags is far shorter."""

UNSAID = (
    'say which version you change: send the ETag of the last GET as If-Match, as in If-Match: "3" '
    "(or If-Match: * to change whatever is there)"
)
STALE = "somebody has changed this since you read it: read it again, and send the ETag that comes with it as If-Match"
UNREADABLE = 'If-Match must be *, or tags in quotes as they came in ETag, as in If-Match: "3"'

_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_BETWEEN = re.compile(r"[ \t]*(?:,[ \t]*)*")

IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match", max_length=LONGEST, examples=['"3"'],
        description="The ETag of the version that is changed, as the last GET gave it; `*` for whichever there is.",
    ),
]  # fmt: skip
"""The header, for a route's signature; the route passes it on to ``check``."""


def etag(version: int | str) -> str:
    """A version as a strong tag, in quotes. Raises ValueError for one with characters that no tag can hold."""
    tag = f'"{version}"'
    if not _TAG.fullmatch(tag):
        raise ValueError(f"{version!r} cannot be written as an entity tag")
    return tag


def check(if_match: str | None, version: int | str) -> None:
    """Let a change of ``version`` pass. Raises HTTPException 428 where the caller named no version, 412 where it is
    another by now, 400 for what is no such header. A weak tag matches nothing here (RFC 9110, 13.1.1)."""
    if if_match is None:
        raise HTTPException(428, UNSAID)
    tags = _tags(if_match)
    if tags is None:
        raise HTTPException(400, UNREADABLE)
    if "*" not in tags and etag(version) not in tags:
        raise HTTPException(412, STALE, {"ETag": etag(version)})


def none_match(header: str | None, tag: str) -> bool:
    """Whether ``If-None-Match`` names this tag, so that 304 is the answer. Weak and strong are alike here (RFC 9110,
    13.1.2); what does not read as such a header names nothing."""
    tags = _tags(header) if header is not None and len(header) <= LONGEST else None
    return tags is not None and ("*" in tags or tag.removeprefix("W/") in {one.removeprefix("W/") for one in tags})


def _tags(header: str) -> frozenset[str] | None:
    """The tags of a header as they are written, or ``*`` alone; None where it cannot be read. Commas may stand inside a
    tag, and empty elements between two (RFC 9110, 5.6.1)."""
    written = header.strip(" \t")
    if written == "*":
        return frozenset("*")
    found = []
    between = _BETWEEN.match(written)
    assert between is not None
    place = between.end()
    while place < len(written):
        if (one := _TAG.match(written, place)) is None:
            return None
        found.append(one[0])
        between = _BETWEEN.match(written, one.end())
        assert between is not None
        place = between.end()
        if place < len(written) and "," not in between[0]:
            return None
    return frozenset(found) or None
