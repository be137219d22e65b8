"""Jetstream: everything that is posted and deleted on Bluesky, as JSON over a websocket; no account needed.

https://github.com/bluesky-social/jetstream-legacy (the wire that the public servers speak): ``/subscribe`` plays back
from a ``cursor``, the ``time_us`` of an event in microseconds, and goes on live. Servers keep about a day; an older
cursor silently starts at the oldest event there is. Events come at least once, in the order of ``time_us``, which is
the server's own clock and no part of the post. All of the network comes, so it is matched here, and what no brand asks
for goes no further. Of authors only their DID is known: queries for author:handle find nothing here, and there is no
reach.

A run plays back what was missed since the last one, up to its own moment, and hangs up: nothing is lost between runs.
"""

import contextlib
import json
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import urlencode, urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidStatus,
    InvalidURI,
    SecurityError,
    WebSocketException,
)
from websockets.sync.client import ClientConnection, connect

from listener import clock
from listener.bluesky import KIND, POSTS, author_of, is_address, may_match, post_of
from listener.http import USER_AGENT, causes, refusal, shown
from listener.items import Item
from listener.markup import looks_like_html
from listener.query import Query
from listener.source import (
    Cursor,
    FatalSourceError,
    Limit,
    Page,
    RetriableSourceError,
    Skipped,
    SourceError,
    account_name,
)
from listener.tools import Tools

LIMITS = (Limit(120, timedelta(minutes=5), unit="connections"),)
"""Ours: no limit is documented, and a run needs one connection."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_REWIND = timedelta(seconds=10)
"""Playback at the exact boundary of a connection is not promised to be without a gap; the README says a few seconds."""
_NONSENSE_AHEAD = timedelta(days=1)
_SOME_SILENCE = timedelta(minutes=10)
"""On the whole network somebody posts every few milliseconds."""
_KEPT_FOR_SURE = timedelta(hours=12)
_AHEAD_ENOUGH = 3
"""So many events in a row from after the run's moment end it: one alone may be out of order."""
_EVENTS_A_PAGE = 500
_SECONDS_A_PAGE = 2.0
_MARK_SECONDS = 0.3
_ASKED_SIZE = 512 * 1024
_LARGEST = 2 * _ASKED_SIZE
_MOST_NONSENSE = 200


class JetstreamOptions(BaseModel):
    """Options of a ``jetstream`` source."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    listen_seconds: float = Field(
        default=50,
        gt=0,
        le=3600,
        description="how long a run listens at most; it ends when it has caught up",
    )
    lookback_hours: float = Field(
        default=1, gt=0, le=24, description="how far back the first run looks, in hours; servers keep about a day"
    )
    wanted_dids: tuple[str, ...] = Field(
        default=(), max_length=200, description="only these accounts (did:plc:...), all of what they say"
    )

    @field_validator("wanted_dids")
    @classmethod
    def _dids(cls, dids: tuple[str, ...]) -> tuple[str, ...]:
        plain = tuple(dict.fromkeys(did.strip() for did in dids))
        if not all(did.startswith("did:") for did in plain):
            raise ValueError("write accounts as their DIDs, as in did:plc:ewvi7nxzyoun6zhxrhs64oiz")
        return plain


@dataclass
class _Batch:
    """What is gathered for a page. ``last``: the time of the last event, in microseconds."""

    last: int
    begun: float
    items: dict[str, Item] = field(default_factory=dict)
    deleted: dict[str, None] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    gap: tuple[datetime, datetime] | None = None
    events: int = 0

    @property
    def full(self) -> bool:
        return self.events >= _EVENTS_A_PAGE or clock.monotonic() - self.begun >= _SECONDS_A_PAGE

    def page(self, start: int, end: int) -> Page:
        """The page, its cursor true as soon as it is stored."""
        return Page(
            tuple(self.items.values()),
            {"time_us": self.last},
            tuple(self.skipped),
            capped=self.gap is not None,
            progress=min(1.0, max(0.0, (self.last - start) / max(1, end - start))),
            gap=self.gap,
            deleted=tuple(self.deleted),
            platform=KIND,
        )


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
        """What happened after ``cursor``, oldest first, until the time of ``until`` or ``listen_seconds`` are over.

        With ``wanted_dids`` all of what these say is handed out. A connection that breaks off, and a run whose time is
        up before it has caught up, end in a RetriableSourceError, after all that had come was handed out.
        """
        end = _microseconds(until)
        if cursor is not None:
            last = int(cursor["time_us"])
        else:
            last = _microseconds(since or until - timedelta(hours=self._options.lookback_hours))
        start = max(0, min(last, end) - _REWIND // _MICROSECOND)
        if since is not None:
            start = max(start, _microseconds(since))
        ends = clock.monotonic() + self._options.listen_seconds
        batch = _Batch(last, clock.monotonic())
        yield from self._read(query if not self._options.wanted_dids else None, start, end, ends, batch)

    def _read(self, query: Query | None, start: int, end: int, ends: float, batch: _Batch) -> Iterator[Page]:
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
                        event = _event(message, end)
                        if event is None:
                            nonsense += 1
                            batch.skipped.append(Skipped(f"event after {_moment(batch.last)}", "it is no event"))
                            if nonsense >= _MOST_NONSENSE and not heard:
                                raise self._no_jetstream()
                        elif event["time_us"] > end:
                            ahead += 1
                        else:
                            ahead = 0
                            if not heard:
                                batch.gap = self._gap(start, event["time_us"])
                            heard += 1
                            self._take(event, query, batch)
                    pace.note(batch.last)
                    if clock.monotonic() >= ends:
                        break
                    if batch.full:
                        yield batch.page(start, end)
                        batch = _Batch(batch.last, clock.monotonic())
            except (WebSocketException, OSError, ValueError, EOFError) as error:
                trouble = self._in_words(error)
            if trouble is None and ahead >= _AHEAD_ENOUGH:
                batch.last = max(batch.last, end)  # the server's own clock says that nothing more comes before that
            elif trouble is None:
                trouble = self._behind(pace, batch.last, end)
                if trouble is None and not heard:
                    # Silence tells of nothing but itself; but a cursor must not get older than what servers keep.
                    batch.last = max(batch.last, end - _KEPT_FOR_SURE // _MICROSECOND)
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

    def _behind(self, pace: _Pace, last: int, end: int) -> SourceError | None:
        """What is to be said of a run whose time was up before it had come to its own moment; None = it has read all
        there is, because our clock is ahead of the server's, or because a few accounts say nothing."""
        ours, theirs = pace.passed(last)
        if theirs > 2 * ours + _MARK_SECONDS:
            behind, seconds = timedelta(seconds=(end - last) // 1_000_000), self._options.listen_seconds
            return RetriableSourceError(
                f"stopped after {seconds:.3g} s, still {behind} behind; the next run goes on there", retry_after=1
            )
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
        between = (first - start) * _MICROSECOND
        quiet = _KEPT_FOR_SURE if self._options.wanted_dids else _SOME_SILENCE
        return (_moment(start), _moment(first)) if between > quiet else None

    def _take(self, event: Mapping[str, Any], query: Query | None, batch: _Batch) -> None:
        """Keep what an event tells, if it is a post created or deleted. Bluesky ignores changed ones, so do we."""
        batch.last = max(batch.last, event["time_us"])
        commit = event.get("commit")
        if not isinstance(commit, dict) or commit.get("collection") != POSTS:
            return
        did, rkey = event.get("did"), commit.get("rkey")
        uri = f"at://{did}/{POSTS}/{rkey}"
        if not (isinstance(did, str) and did and isinstance(rkey, str) and rkey and is_address(uri)):
            batch.skipped.append(Skipped(f"event {event['time_us']}", "it does not say which post it is about"))
            return
        if commit.get("operation") == "delete":
            batch.items.pop(uri, None)
            batch.deleted[uri] = None
        elif commit.get("operation") == "create":
            try:
                item = post_of(uri, commit["record"], author_of(did), _moment(event["time_us"]))
            except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
                if isinstance(commit.get("record"), dict) and commit["record"].get("text") == "":
                    return  # a picture without words
                why = f"it is not as documented: {type(error).__name__} {error}"
                batch.skipped.append(Skipped(f"post {uri}", why))
                return
            if may_match(query, item):
                batch.items[uri] = item
                batch.deleted.pop(uri, None)

    def _no_jetstream(self) -> SourceError:
        return RetriableSourceError(
            f"{shown(self._address)} answered with something that is no Jetstream; if this goes on, check the address "
            "in ESCUCHA_JETSTREAM_URL"
        )

    def _in_words(self, error: Exception) -> SourceError:
        """A failure of the connection or of opening it."""
        where = shown(self._address)
        roots = tuple(causes(error))
        for root in roots:
            match root:
                case InvalidStatus(response=response):
                    if response.status_code < 300:
                        what = "a web page" if looks_like_html(bytes(response.body or b"")) else "plain HTTP"
                        return RetriableSourceError(
                            f"{where} answered with {what} where a websocket was expected; if this goes on, check the "
                            "address in ESCUCHA_JETSTREAM_URL"
                        )
                    return refusal(response.status_code, response.reason_phrase, self._address, response.headers)
                case InvalidURI() | SecurityError():
                    return FatalSourceError(
                        f"{where} is, or leads to, no address of a websocket: write it as wss://..."
                    )
                case ssl.SSLCertVerificationError():
                    return FatalSourceError(
                        f"the certificate of {where} does not hold ({root.verify_message}): check the address"
                    )
                case socket.gaierror():
                    return RetriableSourceError(
                        f"no server of the name in {where} was found: check the address or the network; it is tried "
                        "again later"
                    )
                case ConnectionRefusedError():
                    return RetriableSourceError(f"no connection to {where}; it is tried again later")
        if isinstance(error, ConnectionClosed) and error.sent is not None and error.sent.code == 1009:
            return RetriableSourceError(
                f"{where} sent more than {_LARGEST // 1024} KB at once, although it was asked for less; it is tried "
                "again later"
            )
        if isinstance(error, TimeoutError):
            return RetriableSourceError(f"{where} did not answer in time; it is tried again later")
        if isinstance(error, InvalidHandshake):
            return RetriableSourceError(
                f"{where} answered with something that is no websocket; it is tried again later"
            )
        return RetriableSourceError(f"{where} broke off in the middle; it is tried again later")


def _next(connection: ClientConnection, ends: float) -> str | bytes | None:
    """The next message; None where none comes in time."""
    try:
        return connection.recv(timeout=max(0.0, ends - clock.monotonic()))
    except TimeoutError:
        return None


def _event(message: str | bytes, end: int) -> dict[str, Any] | None:
    """An event with a time that can be; None for anything else. ``end``: the run's moment, in microseconds."""
    try:
        event = json.loads(message)
        time_us = event["time_us"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    possible = isinstance(time_us, int) and 0 < time_us < end + _NONSENSE_AHEAD // _MICROSECOND
    return event if possible else None


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _moment(microseconds: int) -> datetime:
    return _EPOCH + microseconds * _MICROSECOND
