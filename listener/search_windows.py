"""Searches that are read in windows of time, for platforms that hand out only so many hits and may want a rest halfway.

Each search has a place of its own, and moves on from old to new in windows that are halved while they hold too much and
doubled while they hold little. After every window, and after every one that held too much, there is a cursor to go on
from: so a run that its quota ends has always come further than the one before it, however much there is to read.
Seconds are whole and since 1970.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

Found = TypeVar("Found")

_LONGEST = 10 * 366 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Answer(Generic[Found]):
    """What a search gave in one window. ``whole``: that is all; ``few``: twice as long a window would do as well."""

    found: Found
    whole: bool
    few: bool = False


@dataclass(frozen=True, slots=True)
class Step(Generic[Found]):
    """One window of one search. ``found`` is None where it held too much and is asked for again in halves.

    ``cursor`` goes on after it, as JSON; ``share``: how much of the run lies behind; ``read_to``: all searches have
    been read up to there; ``gap``: a second that holds more than can be had.
    """

    found: Found | None
    cursor: dict[str, Any]
    share: float
    read_to: datetime
    gap: tuple[datetime, datetime] | None = None


@dataclass(slots=True)
class _Place:
    """How far one search is read: up to second ``at``, as it was found at second ``seen``; in windows of ``step``."""

    at: int
    seen: int
    step: int

    def written(self) -> dict[str, int]:
        return {"at": self.at, "seen": self.seen, "step": self.step}


@dataclass(frozen=True, slots=True)
class Span:
    """What a run reads. ``until``: to there; ``since``: from there, for a window of the past; None = from where the
    last run ended, ``lag`` before that once more, and the first run from ``lookback`` before ``until``."""

    until: datetime
    since: datetime | None
    lag: timedelta
    lookback: timedelta


def in_windows(
    searches: Sequence[str],
    cursor: Mapping[str, Any] | None,
    span: Span,
    ask: Callable[[str, int, int], Answer[Found]],
) -> Iterator[Step[Found]]:
    """The searches from where ``cursor`` left each of them, the one that is furthest behind first.

    ``ask``: a search from one second to another, both included. A search that is new begins where all others have
    been read to.
    """
    last = int(span.until.timestamp())
    done = max(int(cursor["until"]), last) if cursor else last
    named = {hashlib.sha256(search.encode()).hexdigest()[:12]: search for search in searches}
    before = (cursor or {}).get("places", {})
    places = {key: _Place(**before[key]) if key in before else _beginning(cursor, span, last) for key in named}
    if not places:
        yield Step(None, {"until": done}, 1.0, _moment(done))
    for number, key in enumerate(sorted(named, key=lambda key: places[key].at)):
        place = places[key]
        start = first = _first(place, span, last)
        while start <= last:
            end = min(start + place.step - 1, last)
            answer = ask(named[key], start, end)
            found: Found | None = None
            gap = None
            if answer.whole or end == start:
                found = answer.found
                gap = None if answer.whole else (_moment(start), _moment(end))
                # Backwards at first, where something is read once more: what lies between is not yet.
                place.at, place.seen, start = end, last, end + 1
                place.step = min(place.step * 2, _LONGEST) if answer.few else place.step
            else:
                place.step = max((end - start + 1) // 2, 1)
            share = (number + (start - first) / (last - first + 1)) / len(places)
            low = min(place.at for place in places.values())
            after: dict[str, Any] = {"until": low, "places": {key: place.written() for key, place in places.items()}}
            if number + 1 == len(places) and start > last:
                # All have been read to the same second, which is all there is to remember.
                low, after = done, {"until": done}
            yield Step(found, after, share, _moment(low), gap)


def _beginning(cursor: Mapping[str, Any] | None, span: Span, last: int) -> _Place:
    """The place of a search that has none of its own."""
    if cursor:
        return _Place(int(cursor["until"]), int(cursor["until"]), _LONGEST)
    earliest = span.until - span.lookback if span.since is None else span.since
    return _Place(min(int(earliest.timestamp()), last) - 1, last, _LONGEST)


def _first(place: _Place, span: Span, last: int) -> int:
    """From which second a search goes on. What was so new that more of it may have been shown since is read again."""
    first = min(place.at + 1, place.seen - int(span.lag.total_seconds()), last)
    return first if span.since is None else min(max(first, int(span.since.timestamp())), last)


def _moment(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)
