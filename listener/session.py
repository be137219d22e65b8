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

_PIECE = 64 * 1024

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
            self.mount(scheme, _Bounded(timeout, deadline, max_bytes, monotonic))
        self._meter = meter
        self._origin = urlsplit(origin) if origin else None
        self._left = left
        self._passed = frozenset(passed)
        self._price = price
        self._refused = refused

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **options: Any) -> requests.Response:
        """As the library's; an address that makes no request is told in our words too."""
        try:
            return super().request(method, url, *args, **options)
        except (requests.RequestException, ValueError) as error:
            raise _in_words(error, str(url)) from error

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """One request, asked for at the meter. Raises FatalSourceError or RetriableSourceError."""
        if self._origin is not None:
            request.url = _moved(request.url or "", self._origin)
        address = request.url or ""
        self._meter.ask(cost=self._price(request) if self._price is not None else Decimal(0))
        options["stream"] = True  # the adapter reads the body: nothing else may, without a limit
        try:
            response = super().send(request, **options)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise _in_words(error, address) from error
        if response.history:
            return response  # it was told and looked at when it came, one redirect deeper
        if self._left is not None:
            remaining, resets_in = self._left(response.headers)
            self._meter.told(remaining=remaining, resets_in=resets_in)
        status = response.status_code
        if status >= 400 and status not in self._passed:
            own_words = self._refused(response) if self._refused is not None else None
            refused = own_words or refusal(status, response.reason or "", address, response.headers)
            if isinstance(refused, RetriableSourceError) and refused.retry_after:
                # It means whoever uses this account, not this request.
                self._meter.told(remaining=0, resets_in=refused.retry_after)
            raise refused
        return response


class _Bounded(HTTPAdapter):
    """Reads every body, also a redirect's, at once and within limits of size (expanded) and time.

    Seconds: ``timeout`` for the connection and for each piece of an answer, ``deadline`` for all pieces together.
    """

    def __init__(self, timeout: float, deadline: float, max_bytes: int, monotonic: Callable[[], float]) -> None:
        super().__init__(max_retries=0)
        self._timeout, self._deadline = timeout, deadline
        self._max_bytes, self._monotonic = max_bytes, monotonic

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        until = self._monotonic() + self._deadline
        response = super().send(request, *args, **options | {"timeout": self._timeout, "stream": True})
        try:
            response._content = self._body(response.raw, shown(request.url or ""), until)
        except BaseException:
            response.close()  # what is left of the answer must not be taken for the next one
            raise
        response._content_consumed = True  # type: ignore[attr-defined]
        return response

    def _body(self, raw: Any, where: str, until: float) -> bytes:
        pieces: list[bytes] = []
        size = 0
        # As much as there is, up to so much: ``read`` would wait for all of it, however slowly it drips.
        while piece := raw.read1(_PIECE, decode_content=True):
            size += len(piece)
            if size > self._max_bytes:
                raise FatalSourceError(
                    f"{where} sent more than {self._max_bytes / MEBIBYTE:.3g} MB: check that it is the right address"
                )
            if self._monotonic() > until:
                raise RetriableSourceError(
                    f"{where} took longer than {self._deadline:.0f} s to answer; it is tried again later"
                )
            pieces.append(piece)
        return b"".join(pieces)


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
        case (
            requests.exceptions.InvalidURL()
            | requests.exceptions.InvalidSchema()
            | requests.exceptions.MissingSchema()
            | UnicodeError()
            | urllib3.exceptions.LocationParseError()
        ):
            return FatalSourceError(f"{where} is, or redirects to, no address of the web: write it as https://...")
    for root in roots:
        match root:
            case ssl.SSLCertVerificationError():
                return FatalSourceError(
                    f"the certificate of {where} does not hold ({root.verify_message}): check the address"
                )
            case ssl.SSLEOFError() | ssl.SSLZeroReturnError():
                continue
            case ssl.SSLError():
                return FatalSourceError(f"{where} does not speak TLS as expected ({root.reason}): check the address")
    if isinstance(error, requests.Timeout) or any(isinstance(root, TimeoutError) for root in roots):
        return RetriableSourceError(f"{where} did not answer in time; it is tried again later")
    if any(isinstance(root, socket.gaierror) for root in roots):
        return RetriableSourceError(
            f"no server of the name in {where} was found: check the address or the network; it is tried again later"
        )
    if any(isinstance(root, _REFUSED) for root in roots):
        return RetriableSourceError(f"no connection to {where}; it is tried again later")
    return RetriableSourceError(f"{where} broke off in the middle of its answer; it is tried again later")


_REFUSED = (ConnectionRefusedError, urllib3.exceptions.NewConnectionError, requests.exceptions.ProxyError)
