"""What libraries that run on requests get instead of their own session: the house's limits and the host's words.

praw, tweepy and Mastodon.py bring their own clients and let one hand them a ``requests.Session``. This one asks the
meter before every request and tells it what the platform's headers say, bounds time and size, and raises a SourceError
for what went wrong, so that a source need not know each library's own errors.
"""

import http.cookiejar
import socket
import ssl
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import SplitResult, urlsplit, urlunsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from listener import clock
from listener.http import MAX_REDIRECTS, MEBIBYTE, Reply, causes, refusal, shown
from listener.source import FatalSourceError, Meter, RetriableSourceError, SourceError

Left = tuple[float | None, float | None]
"""(weight that is left, seconds until it is renewed), as a platform's headers tell; None = they do not."""


class CheckedSession(requests.Session):
    """A session that asks first, keeps to limits and fails in the host's words.

    ``timeout``: seconds for the connection and for each piece of an answer; ``deadline``: for a whole answer.
    ``origin``: where everything is sent instead, for libraries whose address cannot be set ("https://api.x.com" ->
    this). ``left``: reads a platform's quota headers. ``passed``: statuses that are the library's own business (praw
    and atproto renew their tokens on 401); all others from 400 on are raised here. ``price``: the most a request can
    cost, in US dollars. ``refused``: reads a platform's own words out of a bad answer; None = the house's words do.

    A library may wrap what is raised here in an error of its own: see ``source_error``.
    """

    def __init__(
        self,
        meter: Meter,
        *,
        timeout: float = 20.0,
        deadline: float = 120.0,
        max_bytes: int = 32 * MEBIBYTE,
        origin: str | None = None,
        left: Callable[[Mapping[str, str]], Left] | None = None,
        passed: Collection[int] = (),
        price: Callable[[requests.PreparedRequest], Decimal] | None = None,
        refused: Callable[[requests.Response], SourceError | None] | None = None,
        monotonic: Callable[[], float] = clock.monotonic,
    ) -> None:
        super().__init__()
        self.max_redirects = MAX_REDIRECTS
        self.headers["Accept-Encoding"] = "gzip"
        self.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("http://", "https://"):
            self.mount(scheme, HTTPAdapter(max_retries=0))
        self._meter = meter
        self._timeout = timeout
        self._deadline = deadline
        self._max_bytes = max_bytes
        self._origin = urlsplit(origin) if origin else None
        self._left = left
        self._passed = frozenset(passed)
        self._price = price
        self._refused = refused
        self._monotonic = monotonic

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """One request, asked for at the meter. Raises FatalSourceError or RetriableSourceError."""
        if self._origin is not None:
            request.url = _moved(request.url or "", self._origin)
        address = request.url or ""
        self._meter.ask(cost=self._price(request) if self._price is not None else Decimal(0))
        options |= {"timeout": self._timeout, "stream": True}
        try:
            response = super().send(request, **options)
            self._read(response, address)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise _in_words(error, address) from error
        if self._left is not None:
            remaining, resets_in = self._left(response.headers)
            self._meter.told(remaining=remaining, resets_in=resets_in)
        status = response.status_code
        if status >= 400 and status not in self._passed:
            own_words = self._refused(response) if self._refused is not None else None
            raise own_words or refusal(status, response.reason or "", address, response.headers)
        return response

    def _read(self, response: requests.Response, address: str) -> None:
        """The body into memory, counted as it expands."""
        until = self._monotonic() + self._deadline
        pieces, size = [], 0
        for piece in response.iter_content(64 * 1024):
            size += len(piece)
            if size > self._max_bytes:
                raise FatalSourceError(
                    f"{shown(address)} sent more than {self._max_bytes / MEBIBYTE:.3g} MB: check that it is the right "
                    "address"
                )
            if self._monotonic() > until:
                raise RetriableSourceError(
                    f"{shown(address)} took longer than {self._deadline:.0f} s to answer; tried again later"
                )
            pieces.append(piece)
        response._content = b"".join(pieces)


def as_json(response: requests.Response) -> Any:
    """The body as JSON. Raises RetriableSourceError: what is no JSON is mostly a proxy's or maintenance page."""
    return Reply(response.status_code, {}, response.content, response.url or "").json()


def source_error(error: BaseException) -> SourceError | None:
    """The SourceError that a library has wrapped in an error of its own, if there is one."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        current = waiting.pop()
        if isinstance(current, SourceError):
            return current
        if id(current) in seen:
            continue
        seen.add(id(current))
        causes = (current.__cause__, current.__context__, getattr(current, "original_exception", None), *current.args)
        waiting += [cause for cause in causes if isinstance(cause, BaseException)]
    return None


def _moved(address: str, origin: SplitResult) -> str:
    parts = urlsplit(address)
    return urlunsplit((origin.scheme, origin.netloc, origin.path.rstrip("/") + parts.path, parts.query, ""))


def _in_words(error: Exception, address: str) -> SourceError:
    where = shown(address)
    roots = tuple(causes(error))
    match error:
        case requests.TooManyRedirects():
            return FatalSourceError(f"{where} redirects more than {MAX_REDIRECTS} times: check the address")
        case requests.exceptions.InvalidURL() | requests.exceptions.InvalidSchema():
            return FatalSourceError(f"{where} is no address of the web: write it as https://...")
    if any(isinstance(root, ssl.SSLCertVerificationError) for root in roots):
        return FatalSourceError(f"the certificate of {where} does not hold: check the address")
    if isinstance(error, requests.Timeout) or any(isinstance(root, TimeoutError) for root in roots):
        return RetriableSourceError(f"{where} did not answer in time; it is tried again later")
    if any(isinstance(root, socket.gaierror) for root in roots):
        return RetriableSourceError(
            f"no server of the name in {where} was found: check the address or the network; it is tried again later"
        )
    if isinstance(error, requests.ConnectionError) and any(isinstance(root, _REFUSED) for root in roots):
        return RetriableSourceError(f"no connection to {where}; it is tried again later")
    return RetriableSourceError(f"{where} broke off in the middle of its answer; it is tried again later")


_REFUSED = (ConnectionRefusedError, urllib3.exceptions.NewConnectionError)
