"""Jetstream: everything that is posted and deleted on Bluesky, as JSON over a websocket; no account needed.

https://github.com/bluesky-social/jetstream-legacy (the wire that the public servers speak): ``/subscribe`` plays back
from a ``cursor``, the ``time_us`` of an event in microseconds, and goes on live. Servers keep about a day; an older
cursor silently starts at the oldest event there is. Events come at least once, in the order of ``time_us``, which is
the server's own clock and no part of the post. All of the network comes, so it is matched here, and what no brand asks
for goes no further. Of authors only their DID is known: queries for author:handle find nothing here, and there is no
reach.

A run plays back what was missed since the last one, up to its own moment, and hangs up: nothing is lost between runs.
However much there is to catch up with, it does so in one go, page by page.
"""

import contextlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import ClassVar
from urllib.parse import urlencode, urlsplit

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from listener import clock
from listener.bluesky import POSTS
from listener.http import USER_AGENT, shown
from listener.query import Query
from listener.source import Cursor, Limit, Page, RetriableSourceError, Skipped, SourceError, account_name
from listener.sources.jetstream.events import MICROSECOND, Batch, event_of, microseconds, moment
from listener.sources.jetstream.options import JetstreamOptions
from listener.sources.jetstream.trouble import in_words, no_jetstream
from listener.tools import Tools

LIMITS = (Limit(120, timedelta(minutes=5), unit="connections"),)
"""Ours: no limit is documented, and a run needs one connection."""

_REWIND = timedelta(seconds=10)
"""Playback at the exact boundary of a connection is not promised to be without a gap; the README says a few seconds."""
_SOME_SILENCE = timedelta(minutes=10)
"""On the whole network somebody posts every few milliseconds."""
_KEPT_FOR_SURE = timedelta(hours=12)
_AHEAD_ENOUGH = 3
"""So many events in a row from after the run's moment end it: one alone may be out of order."""
_MARK_SECONDS = 0.3
_ASKED_SIZE = 512 * 1024
_LARGEST = 2 * _ASKED_SIZE
_MOST_NONSENSE = 200


class _Pace:
    """Tells playback from what comes live: there the server's time passes as fast as ours."""

    def __init__(self, last: int) -> None:
        self._marks = [(clock.monotonic(), last)]

    def note(self, last: int) -> None:
        """Remember where reading stands, twice a second."""
        now = clock.monotonic()
        if now - self._marks[-1][0] >= _MARK_SECONDS:
            self._marks = [*self._marks[-2:], (now, last)]

    def passed(self, last: int) -> tuple[float, float]:
        """Seconds of our time and of the server's, in the latest second or so."""
        began, stood = self._marks[0]
        return clock.monotonic() - began, (last - stood) / 1_000_000


class JetstreamSource:
    """Bluesky's firehose. Its items are Bluesky's, under the same keys as from its search."""

    kind: ClassVar[str] = "jetstream"
    ordered: ClassVar[bool] = True
    lag: ClassVar[timedelta] = _REWIND
    history: ClassVar[timedelta | None] = timedelta(hours=24)

    def __init__(self, options: JetstreamOptions, tools: Tools) -> None:
        self._options = options
        self._address = tools.endpoints.jetstream.rstrip("/")
        self._timeout = tools.timeout
        self._meter = tools.meter(account_name(self.kind, urlsplit(self._address).netloc), LIMITS, None)

    def fetch(
        self, query: Query | None, cursor: Cursor | None, until: datetime, since: datetime | None = None
    ) -> Iterator[Page]:
        """What happened after ``cursor``, oldest first, until the time of ``until``; live, for ``listen_seconds``.

        With ``wanted_dids`` all of what these say is handed out. A connection that breaks off or falls silent ends in a
        RetriableSourceError, after all that had come was handed out.
        """
        end = microseconds(until)
        if cursor is not None:
            last = int(cursor["time_us"])
        else:
            last = microseconds(since or until - timedelta(hours=self._options.lookback_hours))
        start = max(0, min(last, end) - _REWIND // MICROSECOND)
        if since is not None:
            start = max(start, microseconds(since))
        batch = Batch(last, clock.monotonic())
        yield from self._read(query if not self._options.wanted_dids else None, start, end, batch)

    def _read(self, query: Query | None, start: int, end: int, batch: Batch) -> Iterator[Page]:
        ends = clock.monotonic() + self._options.listen_seconds
        trouble: SourceError | None = None
        ahead = heard = nonsense = 0
        pace = _Pace(batch.last)
        with contextlib.ExitStack() as stack:
            try:
                connection = stack.enter_context(self._connected(start))
                while ahead < _AHEAD_ENOUGH:
                    message = _next(connection, min(ends, clock.monotonic() + _MARK_SECONDS))
                    if message is not None:
                        batch.events += 1
                        event = event_of(message, end)
                        if event is None:
                            nonsense += 1
                            batch.skipped.append(Skipped(f"event after {moment(batch.last)}", "it is no event"))
                            if nonsense >= _MOST_NONSENSE and not heard:
                                raise no_jetstream(self._address)
                        elif event["time_us"] > end:
                            ahead += 1
                        else:
                            ahead = 0
                            if not heard:
                                batch.gap = self._gap(start, event["time_us"])
                            heard += 1
                            batch.take(event, query)
                    pace.note(batch.last)
                    if clock.monotonic() >= ends:
                        if not self._catching_up(pace, batch.last, end):
                            break
                        ends = clock.monotonic() + self._options.listen_seconds
                    if batch.full:
                        yield batch.page(start, end)
                        batch = Batch(batch.last, clock.monotonic())
            except (WebSocketException, OSError, ValueError, EOFError) as error:
                trouble = in_words(error, self._address, _LARGEST)
            if trouble is None and ahead >= _AHEAD_ENOUGH:
                batch.last = max(batch.last, end)  # the server's own clock says that nothing more comes before that
            elif trouble is None:
                trouble = self._silent(pace, batch.last)
                if trouble is None and not heard:
                    # Silence tells of nothing but itself; but a cursor must not get older than what servers keep.
                    batch.last = max(batch.last, end - _KEPT_FOR_SURE // MICROSECOND)
            yield batch.page(start, end)
        if trouble is not None:
            raise trouble

    def _connected(self, start: int) -> "contextlib.AbstractContextManager[ClientConnection]":
        query = [("wantedCollections", POSTS), ("cursor", str(start)), ("maxMessageSizeBytes", str(_ASKED_SIZE))]
        query += [("wantedDids", did) for did in self._options.wanted_dids]
        self._meter.ask()
        return connect(
            f"{self._address}/subscribe?{urlencode(query)}",
            user_agent_header=USER_AGENT,
            open_timeout=self._timeout,
            close_timeout=0.3,  # in the middle of playback the server does not listen
            ping_interval=self._timeout,
            ping_timeout=self._timeout,
            max_size=_LARGEST,
        )

    @staticmethod
    def _catching_up(pace: _Pace, last: int, end: int) -> bool:
        """Whether what comes is still playback: faster than time passes, or from long before the run's moment.

        Otherwise the run has read all there is, because our clock is ahead of the server's, or because nobody speaks.
        """
        ours, theirs = pace.passed(last)
        long_ago = (end - last) * MICROSECOND > _SOME_SILENCE
        return theirs > 2 * ours + _MARK_SECONDS or (theirs > 0 and long_ago)

    def _silent(self, pace: _Pace, last: int) -> SourceError | None:
        """What is to be said of a run whose time was up and that was sent nothing lately; None = of that nothing."""
        ours, theirs = pace.passed(last)
        if theirs <= 0 and not self._options.wanted_dids:
            return RetriableSourceError(
                f"{shown(self._address)} took longer than {ours:.0f} s to send anything, although all of the network "
                "is asked for; it is tried again later"
            )
        return None

    def _gap(self, start: int, first: int) -> tuple[datetime, datetime] | None:
        """What lies between where playback was to begin and where it began, if that is more than silence.

        A few accounts may well say nothing for hours; there it is only a gap if the server cannot have kept it.
        """
        between = (first - start) * MICROSECOND
        quiet = _KEPT_FOR_SURE if self._options.wanted_dids else _SOME_SILENCE
        return (moment(start), moment(first)) if between > quiet else None


def _next(connection: ClientConnection, ends: float) -> str | bytes | None:
    """The next message; None where none comes in time."""
    try:
        return connection.recv(timeout=max(0.0, ends - clock.monotonic()))
    except TimeoutError:
        return None
