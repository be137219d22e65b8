"""Listening to hashtags for a while: only there does Mastodon tell that a status was deleted.

https://docs.joinmastodon.org/methods/streaming/#hashtag: server-sent events, with an account's token (since 4.2), one
connection for each hashtag. The library reads them for as long as they come; here a stream ends when the time is up.
"""

import contextlib
import queue
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from threading import Event as Flag
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from mastodon import MastodonError, StreamListener
from requests.adapters import BaseAdapter, HTTPAdapter

from listener import clock
from listener.http import shown
from listener.session import CheckedSession, source_error
from listener.source import FatalSourceError, Meter, RetriableSourceError, SourceError
from listener.sources.mastodon.client import Client, left, refused

_MOST_BYTES = 32 * 1024 * 1024
_REFUSAL = 64 * 1024
_TAKEN_AT_ONCE = 200
QUIET_SECONDS = 3.0
"""The longest that nothing at all is handed out."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One event of a hashtag's stream: "update", "status.update" or "delete", with its status or id."""

    name: str
    payload: Any


def listen(
    instance: str, token: str, tags: Sequence[str], seconds: float, meter: Meter, timeout: float
) -> Iterator[list[Heard]]:
    """What is heard under the hashtags within ``seconds``, in handfuls as it comes; an empty one where it is quiet.

    Raises FatalSourceError or RetriableSourceError at the end, after all that was heard, where a stream could not be
    opened or broke off.
    """
    heard: queue.Queue[Heard | SourceError | None] = queue.Queue()
    ends = clock.monotonic() + seconds
    sessions = [_StreamSession(meter, instance, timeout=timeout, ends=ends) for _ in tags]
    threads = [
        Thread(target=_hear, args=(instance, token, tag, session, heard), name=f"#{tag}", daemon=True)
        for tag, session in zip(tags, sessions, strict=True)
    ]
    for thread in threads:
        thread.start()
    try:
        yield from _handfuls(heard, len(threads))
    finally:
        for session in sessions:
            session.stop()
        for thread in threads:
            thread.join(timeout)


def _handfuls(heard: "queue.Queue[Heard | SourceError | None]", streams: int) -> Iterator[list[Heard]]:
    errors: list[SourceError] = []
    while streams:
        try:
            taken = [heard.get(timeout=QUIET_SECONDS)]
        except queue.Empty:
            yield []
            continue
        while len(taken) < _TAKEN_AT_ONCE and not heard.empty():
            taken.append(heard.get_nowait())
        streams -= taken.count(None)
        errors += [event for event in taken if isinstance(event, SourceError)]
        if events := [event for event in taken if isinstance(event, Heard)]:
            yield events
    for error in sorted(errors, key=lambda error: not isinstance(error, FatalSourceError)):
        raise error


def _hear(
    instance: str, token: str, tag: str, session: "_StreamSession", heard: "queue.Queue[Heard | SourceError | None]"
) -> None:
    """One stream in its own thread, from its opening until the time is up."""
    try:
        Client(instance, token, session).stream_hashtag(tag, _Listener(heard.put))
    except MastodonError as error:
        if not session.over:
            broken = RetriableSourceError(
                f"the stream of #{tag} at {shown(instance)} broke off in the middle; it is tried again later"
            )
            heard.put(source_error(error) or broken)
    except SourceError as error:
        heard.put(error)
    except Exception as error:
        if not session.over:
            kind = type(error).__name__
            heard.put(RetriableSourceError(f"the stream of #{tag} at {shown(instance)} could not be read: {kind}"))
    finally:
        heard.put(None)


class _Listener(StreamListener):
    def __init__(self, put: Callable[[Heard], None]) -> None:
        super().__init__()
        self._put = put

    def on_any_event(self, name: str, data: Any = None, for_stream: Any = None) -> None:  # noqa: ARG002
        self._put(Heard(name, data))


class _StreamSession(CheckedSession):
    """A session whose streams end in time. ``over``: nothing more is wanted of it."""

    def __init__(self, meter: Meter, instance: str, *, timeout: float, ends: float) -> None:
        super().__init__(meter, timeout=timeout, left=left, refused=refused)
        self._secure = instance.startswith("https:")
        self._ends = ends
        self._stopped = Flag()
        self._socket: socket.socket | None = None
        self._streams = _Streams(self, timeout)

    @property
    def over(self) -> bool:
        return self._stopped.is_set() or clock.monotonic() >= self._ends

    def stop(self) -> None:
        """End the stream now, also in the middle of waiting for it."""
        self._stopped.set()
        if self._socket is not None:
            with contextlib.suppress(OSError):  # it may have ended already
                self._socket.shutdown(socket.SHUT_RDWR)
        self.close()

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        # The instance itself names the host of its streams, and the token goes there.
        if self._secure and urlsplit(request.url or "").scheme != "https":
            raise FatalSourceError(
                f"the server wants to stream without encryption from {shown(request.url or '')}: nothing is sent there"
            )
        return super().send(request, **options)

    def get_adapter(self, url: str) -> BaseAdapter:
        return self._streams if "/api/v1/streaming/" in url else super().get_adapter(url)

    def rest(self, connection: Any) -> float:
        """How many seconds are left, and no read of this connection takes longer."""
        rest = self._ends - clock.monotonic()
        if self._stopped.is_set() or rest <= 0:
            return 0.0
        self._socket = getattr(connection, "sock", None)
        if self._socket is not None:
            self._socket.settimeout(rest)
        return rest


class _Streams(HTTPAdapter):
    """Hands out an answer as it comes, but for a refusal: its first words are enough."""

    def __init__(self, session: _StreamSession, timeout: float) -> None:
        super().__init__(max_retries=0)
        self._session = session
        self._timeout = timeout

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        response = super().send(request, *args, **options | {"timeout": self._timeout, "stream": True})
        if response.ok:
            response.raw = _Timed(response.raw, self._session)
        else:
            response._content = response.raw.read(_REFUSAL, decode_content=True)
            response.close()
        return response


class _Timed:
    """An answer of urllib3 that ends when the session's time is up."""

    def __init__(self, raw: Any, session: _StreamSession) -> None:
        self._raw = raw
        self._session = session

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def stream(self, amount: int, decode_content: bool = True) -> Iterator[bytes]:
        pieces = self._raw.stream(amount, decode_content=decode_content)
        size = 0
        while self._session.rest(self._raw.connection) > 0 and size <= _MOST_BYTES:
            try:
                piece = next(pieces, None)
            except urllib3.exceptions.ReadTimeoutError:
                return
            if piece is None:
                return
            size += len(piece)
            yield piece
