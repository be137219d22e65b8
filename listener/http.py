"""The one place through which sources speak HTTP: limits on everything, and failures in the host's words.

What a server answers decides who must act. A person: wrong address, wrong credentials, a certificate that does not
hold (FatalSourceError). Nobody, only time: overload, a name not found, a lost connection, half a body
(RetriableSourceError, with the delay of ``Retry-After`` where there is one).
"""

import http.cookiejar
import json
import re
import socket
import ssl
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import httpx2

from alerts import outgoing
from alerts.retry_after import seconds_to_wait
from listener import clock
from listener.markup import looks_like_html
from listener.source import FatalSourceError, RetriableSourceError, SourceError

USER_AGENT = "Escucha/0.1 (social listening)"
MEBIBYTE = 1024 * 1024
MAX_REDIRECTS = 5

_SECRET = re.compile(r"key|token|secret|passw|pwd|sig|auth|session|code|credential", re.IGNORECASE)
_MUST_ACT = {
    400: "it refuses the request: check the settings of this source",
    401: "check the credentials of this source",
    403: "it refuses access: check the credentials and what they allow",
    404: "check the address",
    410: "what was there is gone for good: remove the source or give its new address",
}


_STATUSES = frozenset(HTTPStatus)


def shown(address: str) -> str:
    """An address for messages: without user, password and the values of query parameters that look secret."""
    try:
        parts = urlsplit(address)
        host = parts.netloc.rpartition("@")[2]
        if not host and "@" in address:
            return shown(address.rpartition("@")[2])  # no scheme, and yet a password
        query = [(name, "..." if _SECRET.search(name) else value) for name, value in parse_qsl(parts.query)]
    except ValueError:
        return "the address"
    text = urlunsplit((parts.scheme, host, parts.path, urlencode(query, quote_via=quote, safe="."), ""))
    return text if len(text) <= 200 else text[:199] + "…"


def refusal(status: int, reason: str, address: str, headers: Mapping[str, str], *, said: str = "") -> SourceError:
    """What a bad status means, as the error to raise; the same words whichever library asked.

    ``reason``: the phrase beside the status; ``headers``: of the answer, for ``Retry-After`` (names in any case, as
    httpx2's and requests' mappings take them); ``said``: the platform's own explanation, if it gave one.
    """
    answered = f"{shown(address)} answered {status} {reason}".rstrip() + (f" ({said[:200]})" if said else "")
    if status in (408, 425, 429) or status >= 500:
        delay = seconds_to_wait(headers.get("Retry-After"), headers.get("Date"))
        why = "too many requests" if status == HTTPStatus.TOO_MANY_REQUESTS else "trouble on its side"
        wait = f"it asks to wait {delay:.0f} s" if delay is not None else "it is tried again later"
        return RetriableSourceError(f"{answered} ({why}); {wait}", retry_after=delay)
    act = _MUST_ACT.get(status, "check the address and the settings of this source")
    return FatalSourceError(f"{answered}: {act}", may_pass=status in (403, 404))


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: 2xx, 304 to a conditional request, or a status that was let pass. The body is decompressed, the
    headers' names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    address: str

    def refused(self, said: str = "") -> SourceError:
        """The error for a bad status that was let pass; ``said``: the platform's own explanation, if it gave one."""
        reason = HTTPStatus(self.status).phrase if self.status in _STATUSES else ""
        return refusal(self.status, reason, self.address, httpx2.Headers(dict(self.headers)), said=said)

    def json(self) -> Any:
        """The body as JSON. Raises RetriableSourceError: what is no JSON is mostly a proxy's or maintenance page."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            what = "a web page" if looks_like_html(self.body) else "something that is not JSON"
            raise RetriableSourceError(
                f"{shown(self.address)} answered with {what} where JSON was expected; "
                "if this goes on, check the address in the settings"
            ) from error


class Http:
    """HTTP for sources. One per process is enough; close it at the end (or use it in ``with``).

    ``timeout``: seconds to wait for the connection and for each piece of an answer; ``deadline``: for a whole answer.
    """

    def __init__(
        self,
        *,
        timeout: float = 20.0,
        deadline: float = 120.0,
        monotonic: Callable[[], float] = clock.monotonic,
    ) -> None:
        self._deadline = deadline
        self._monotonic = monotonic
        # Only gzip is asked for, because only its expansion is counted below. Cookies are state, and none is kept.
        headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "gzip"}
        self._client, strange = (
            httpx2.Client(
                timeout=timeout,
                headers=headers,
                # The library would read a redirect's body whole before it follows: nothing reads one here.
                follow_redirects=False,
                cookies=http.cookiejar.CookieJar(http.cookiejar.DefaultCookiePolicy(allowed_domains=[])),
            )
            for _ in range(2)
        )
        self._guarded = outgoing.guard(strange)

    def close(self) -> None:
        self._client.close()
        self._guarded.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def get(
        self,
        address: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        max_bytes: int = 32 * MEBIBYTE,
        passed: Collection[int] = (),
        follow: bool = True,
        anywhere: bool = True,
    ) -> Reply:
        """Ask for ``address``. Raises FatalSourceError or RetriableSourceError, never anything of the library's.

        ``max_bytes`` holds for the body as sent and as decompressed. ``passed``: bad statuses whose answers are wanted
        all the same, because the platform explains itself in them (``Reply.refused`` is their error). ``follow``: False
        where no answer may lead elsewhere. ``headers`` go to the host of ``address`` only, wherever an answer points.
        ``anywhere``: False for an address that is not out of the settings, which may not lead into our own network
        (``alerts.outgoing``).
        """
        # The library replaces the address's own query by params, so none must mean None.
        client = self._client if anywhere else self._guarded
        return self._ask(client, "GET", address, max_bytes, passed, follow, headers or {}, params=params or None)

    def post(
        self,
        address: str,
        *,
        form: Mapping[str, str] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        max_bytes: int = MEBIBYTE,
        passed: Collection[int] = (),
        follow: bool = True,
    ) -> Reply:
        """Send a form to ``address``, as token endpoints want it, or a body as it is. The rest is as for ``get``.

        A form or body goes to the host of ``address`` only: a redirect that would take it elsewhere is an error.
        """
        sent: dict[str, Any] = {"data": dict(form or {})} if body is None else {"content": body}
        return self._ask(self._client, "POST", address, max_bytes, passed, follow, headers or {}, **sent)

    def _ask(
        self,
        client: httpx2.Client,
        method: str,
        address: str,
        max_bytes: int,
        passed: Collection[int],
        follow: bool,
        headers: Mapping[str, str],
        **sent: Any,
    ) -> Reply:
        try:
            request = client.build_request(method, address, headers=headers, **sent)
            for _ in range(MAX_REDIRECTS + 1):
                response = client.send(request, stream=True)
                with closing(response):
                    onward = response.next_request if follow else None
                    if onward is not None and not _same_host(request.url, onward.url):
                        onward = self._for_others(onward, headers)
                    if onward is None:
                        return self._reply(response, max_bytes, passed)
                request = onward
        except (httpx2.LocalProtocolError, UnicodeEncodeError):
            # From none: the library quotes the header, and that is where credentials are.
            raise FatalSourceError(
                f"what was to be sent to {shown(address)} fits no HTTP header (a line break, or a letter that is not "
                "plain): check the credentials, and the address"
            ) from None
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, zlib.error, ValueError, OSError) as error:
            raise _translated(error, address) from error
        raise FatalSourceError(f"{shown(address)} redirects more than {MAX_REDIRECTS} times: check the address")

    def _for_others(self, request: httpx2.Request, headers: Mapping[str, str]) -> httpx2.Request | None:
        """A request without what was meant for the host that has redirected it; None where that is its body."""
        if request.method not in ("GET", "HEAD"):
            return None
        for name in (*headers, "Authorization"):
            request.headers.pop(name, None)
        for name, value in self._client.headers.items():
            request.headers.setdefault(name, value)
        return request

    def _reply(self, response: httpx2.Response, max_bytes: int, passed: Collection[int]) -> Reply:
        if response.status_code not in passed:
            self._refuse_bad_status(response)
        body = b"".join(self._body(response, max_bytes))
        kept = {name.lower(): value for name, value in response.headers.items()}
        return Reply(response.status_code, kept, body, str(response.url))

    @staticmethod
    def _refuse_bad_status(response: httpx2.Response) -> None:
        status = response.status_code
        if not (200 <= status < 300 or status == HTTPStatus.NOT_MODIFIED):
            raise refusal(status, response.reason_phrase, str(response.url), response.headers)

    def _body(self, response: httpx2.Response, max_bytes: int) -> Iterator[bytes]:
        """The body in pieces, counted before and after decompression, so that neither can fill the memory."""
        address = shown(str(response.url))
        until = self._monotonic() + self._deadline
        encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
        if encoding not in ("identity", "", "gzip", "x-gzip"):
            raise FatalSourceError(f"{address} sent its answer as {encoding!r} although only gzip was asked for")
        gzip = _Gzip() if encoding.endswith("gzip") else None
        sent = expanded = 0
        for chunk in response.iter_raw():
            sent += len(chunk)
            for piece in (chunk,) if gzip is None else gzip.expand(chunk):
                expanded += len(piece)
                if max(sent, expanded) > max_bytes:
                    raise FatalSourceError(
                        f"{address} sent more than {max_bytes / MEBIBYTE:.3g} MB: check that it is the right address, "
                        "or raise the limit (max_megabytes) of this source"
                    )
                yield piece
            if self._monotonic() > until:
                raise RetriableSourceError(
                    f"{address} took longer than {self._deadline:.0f} s to answer; tried again later"
                )
        if gzip is not None and sent and not gzip.complete:
            raise RetriableSourceError(f"{address} broke off in the middle of its answer; it is tried again later")


def _same_host(before: httpx2.URL, after: httpx2.URL) -> bool:
    """Whether what was meant for one may go to the other: the same host and port, or the same host now encrypted."""
    if before.host != after.host:
        return False
    ports = [url.port or {"http": 80, "https": 443}.get(url.scheme) for url in (before, after)]
    return (before.scheme, ports[0]) == (after.scheme, ports[1]) or (
        (before.scheme, after.scheme) == ("http", "https") and ports == [80, 443]
    )


class _Gzip:
    """Decompression in pieces of bounded size; a body may hold several gzip members one after the other."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(wbits=31)

    @property
    def complete(self) -> bool:
        return self._inflate.eof

    def expand(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._inflate.eof:
                if not data.strip(b"\x00"):
                    return  # padding after the last member
                self._inflate = zlib.decompressobj(wbits=31)
            yield self._inflate.decompress(data, MEBIBYTE)
            data = self._inflate.unconsumed_tail or self._inflate.unused_data


def causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what it came of, the latest first."""
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__ or current.__context__


def _possible(address: str) -> bool:
    """Whether a server could be found under the address at all."""
    try:
        parts = urlsplit(address)
        return bool(parts.hostname) and not re.search(r"\s", parts.netloc) and parts.port != 0
    except ValueError:
        return False


def _no_address(where: str) -> SourceError:
    return FatalSourceError(f"{where} is no address of the web: write it as https://...")


def _translated(error: Exception, address: str) -> SourceError:
    """A failure of the library or the network in the host's words."""
    where = shown(address)
    if (refused := outgoing.forbidden(error)) is not None:
        return FatalSourceError(f"{where} is not asked: {refused}")
    for cause in causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return FatalSourceError(
                f"the certificate of {where} does not hold ({cause.verify_message}): check the address"
            )
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError):
            return FatalSourceError(f"{where} does not speak TLS as expected ({cause.reason}): check the address")
        if isinstance(cause, socket.gaierror) and cause.errno in (socket.EAI_NONAME, socket.EAI_NODATA):
            if not _possible(address):
                return _no_address(where)
            # A machine without a network gets the same answer as a misspelt name: it must not stop every source.
            return RetriableSourceError(
                f"no server of the name in {where} was found: check the address or the network; it is tried again later"
            )
    match error:
        case httpx2.InvalidURL() | httpx2.UnsupportedProtocol() | httpx2.LocalProtocolError():
            return _no_address(where)
        case httpx2.TimeoutException():
            return RetriableSourceError(f"{where} did not answer in time; it is tried again later")
        case httpx2.ConnectError() | httpx2.ProxyError():
            return RetriableSourceError(f"no connection to {where} ({_brief(error)}); it is tried again later")
        case httpx2.TransportError() | httpx2.DecodingError() | zlib.error():
            return RetriableSourceError(f"{where} broke off in the middle of its answer; it is tried again later")
        case ValueError() | TypeError() | UnicodeError():
            return _no_address(where)
    return RetriableSourceError(f"{where} could not be read ({_brief(error)}); it is tried again later")


def _brief(error: Exception) -> str:
    return str(error).partition("\n")[0][:100] or type(error).__name__
