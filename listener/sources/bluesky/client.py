"""atproto as the house wants it: through our own HTTP, one session an account, our limits and words.

XRPC and its errors: https://atproto.com/specs/xrpc. An account may log in 30 times in 5 minutes and 300 times a day
(https://docs.bsky.app/docs/advanced-guides/rate-limits), and a source is made anew for every run: so the sessions that
are open live here, for as long as the process does. An access token holds for about two hours; the library renews it
shortly before, and here it is renewed once where the server says that it is over.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from email.utils import parsedate_to_datetime
from threading import Lock
from typing import Any
from urllib.parse import urlencode

import httpx
from atproto import Client, SessionEvent, models
from atproto.exceptions import AtProtocolError
from atproto_client.request import Request, RequestBase, Response

from listener.http import Http, Reply, shown
from listener.source import FatalSourceError, Meter, RetriableSourceError, SourceError

_EXPLAINED = (400, 401, 403, 404, 429, 500, 501, 502, 503, 504)
_OVER = ("ExpiredToken", "InvalidToken")
_QUERIES = "app.bsky."


class SessionOver(Exception):
    """The server no longer takes the session's token."""


class NotThere(Exception):
    """The server says that there is no such post."""


class _OpenSessions:
    """The sessions of this process by account, each renewed by one thread at a time."""

    def __init__(self) -> None:
        self._sessions: dict[str, str] = {}
        self._locks: dict[str, Lock] = {}
        self._lock = Lock()

    def turn(self, account: str) -> Lock:
        """The lock of those who log in to this account or renew its session."""
        with self._lock:
            return self._locks.setdefault(account, Lock())

    def get(self, account: str) -> str | None:
        return self._sessions.get(account)

    def keep(self, account: str, session: str) -> None:
        self._sessions[account] = session

    def forget(self, account: str | None = None) -> None:
        """Forget one, or all."""
        if account is None:
            self._sessions.clear()
        else:
            self._sessions.pop(account, None)


SESSIONS = _OpenSessions()


class Account:
    """Asks XRPC methods as somebody who has logged in."""

    def __init__(self, address: str, handle: str, password: str, http: Http, meter: Meter) -> None:
        self._address = address
        self._handle = handle
        self._password = password
        self._request = _HouseRequest(http, meter)
        # A changed password is another session; no secret is kept but the session itself.
        digest = hashlib.blake2b("\0".join((address, handle, password)).encode(), digest_size=16)
        self._key = digest.hexdigest()

    def search(self, search: str, since: str, until: str, limit: int, token: str | None) -> Mapping[str, Any]:
        """A page of what is found, newest first: ``posts`` and perhaps ``cursor``. Raises as ``_query`` does.

        ``since`` (included) and ``until`` (not) are full times: a bare date is refused (bluesky-social/atproto 3021).
        """
        params = models.AppBskyFeedSearchPosts.Params(
            q=search, sort="latest", since=since, until=until, limit=limit, cursor=token
        )
        return self._query("app.bsky.feed.searchPosts", params)

    def profiles(self, dids: Sequence[str]) -> Mapping[str, Any]:
        """The ``profiles`` of at most 25 accounts. Raises as ``_query`` does."""
        return self._query("app.bsky.actor.getProfiles", models.AppBskyActorGetProfiles.Params(actors=list(dids)))

    def posts(self, uris: Sequence[str]) -> Mapping[str, Any]:
        """Those of at most 25 ``posts`` that there are. Raises as ``_query`` does."""
        return self._query("app.bsky.feed.getPosts", models.AppBskyFeedGetPosts.Params(uris=list(uris)))

    def shows(self, uri: str) -> bool:
        """Whether a post is there, asked for alone; only the server's own word for it counts. Raises as ``_query``.

        https://github.com/bluesky-social/atproto/blob/main/lexicons/app/bsky/feed/getPostThread.json: the error
        NotFound; one whose author has blocked this account is there.
        """
        params = models.AppBskyFeedGetPostThread.Params(uri=uri, depth=0, parent_height=0)
        try:
            thread = self._query("app.bsky.feed.getPostThread", params).get("thread")
        except NotThere:
            return False
        if not isinstance(thread, dict) or "$type" not in thread:
            raise RetriableSourceError(f"{shown(self._address)} answered with JSON that holds no thread")
        return not str(thread["$type"]).endswith("#notFoundPost")

    def _query(self, method: str, params: Any) -> Mapping[str, Any]:
        """The JSON that a method answers. Raises FatalSourceError or RetriableSourceError.

        It stays as it is: the library's models would refuse a whole page for one post that is not as documented.
        """
        session = self._session()
        try:
            try:
                return self._ask(session, method, params)
            except SessionOver:
                return self._ask(self._session(over=session), method, params)
        except SessionOver as over:
            SESSIONS.forget(self._key)
            raise RetriableSourceError(
                f"{shown(self._address)} does not take the session it has just given ({over})"
            ) from over
        except AtProtocolError as error:
            SESSIONS.forget(self._key)  # a token of theirs that cannot be read
            raise RetriableSourceError(
                f"{shown(self._address)}, read by atproto: {type(error).__name__} {str(error)[:200]}"
            ) from error

    def _ask(self, session: str, method: str, params: Any) -> Mapping[str, Any]:
        answer = self._client(session).invoke_query(method, params=params).content
        if not isinstance(answer, dict):
            raise RetriableSourceError(
                f"{shown(self._address)} answered {method} with JSON that is not what it should be; if this goes on, "
                "check the address in ESCUCHA_BLUESKY_URL"
            )
        return answer

    def _session(self, over: str | None = None) -> str:
        """The account's session; a new one in place of one that is ``over``."""
        with SESSIONS.turn(self._key):
            session = SESSIONS.get(self._key)
            if session is not None and session != over:
                return session
            client = Client(self._address, request=self._request.fresh())
            self._keep(client)
            if over is not None and self._renewed(client, over):
                return SESSIONS.get(self._key) or ""
            try:
                client.login(self._handle, self._password, fetch_bsky_profile=False)
            except SessionOver as error:
                raise FatalSourceError(
                    f"{shown(self._address)} refuses the login of {self._handle}: {error}"
                ) from error
            except (AtProtocolError, ValueError) as error:
                raise self._no_session(error) from error
            return SESSIONS.get(self._key) or ""

    def _renewed(self, client: Client, session: str) -> bool:
        try:
            client.login(session_string=session, fetch_bsky_profile=False)
            client._refresh_and_set_session()
        except SessionOver:
            return False
        except (AtProtocolError, ValueError) as error:
            raise self._no_session(error) from error
        return True

    def _no_session(self, error: Exception) -> SourceError:
        return RetriableSourceError(
            f"{shown(self._address)} answered the login with something that is no session ({type(error).__name__}); if "
            "this goes on, check the address in ESCUCHA_BLUESKY_URL"
        )

    def _client(self, session: str) -> Client:
        client = Client(self._address, request=self._request.fresh())
        client.login(session_string=session, fetch_bsky_profile=False)
        self._keep(client)
        return client

    def _keep(self, client: Client) -> None:
        """Remember what the library itself renews."""

        def changed(event: SessionEvent, session: Any) -> None:
            if event is not SessionEvent.IMPORT:
                SESSIONS.keep(self._key, session.export())

        client.on_session_change(changed)


class _HouseRequest(Request):  # type: ignore[misc]
    """What the library sends through: the house's HTTP with its limits, asked for at the meter."""

    def __init__(self, http: Http, meter: Meter) -> None:
        RequestBase.__init__(self)  # without the library's own connections
        self._http = http
        self._meter = meter

    def fresh(self) -> "_HouseRequest":
        """The same without any client's headers."""
        return _HouseRequest(self._http, self._meter)

    def get(self, *args: Any, **request: Any) -> Response:
        return self._ask(lambda address, headers: self._http.get(
            address, headers=headers, passed=_EXPLAINED, follow=False
        ), *args, **request)  # fmt: skip

    def post(self, *args: Any, **request: Any) -> Response:
        content = request.pop("content", None) or b""
        body = content.encode() if isinstance(content, str) else content
        return self._ask(lambda address, headers: self._http.post(
            address, body=body, headers=headers, passed=_EXPLAINED, follow=False
        ), *args, **request)  # fmt: skip

    def close(self) -> None:
        """Nothing of its own is open."""

    def _ask(
        self,
        send: Callable[[str, Mapping[str, str]], Reply],
        url: str,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        **rest: Any,  # noqa: ARG002
    ) -> Response:
        self._meter.ask()
        address = f"{url}?{urlencode(params, doseq=True)}" if params else url
        sent = self.get_headers(dict(headers or {}))
        reply = send(address, {name: value for name, value in sent.items() if name.lower() != "user-agent"})
        left, resets_in = _left(reply.headers)
        # Logging in has limits of its own, which say nothing about those of asking.
        if _QUERIES in url:
            self._meter.told(remaining=left, resets_in=resets_in)
        if reply.status >= 400:
            raise self._refused(reply, resets_in)
        return Response(True, reply.status, reply.json(), dict(reply.headers))

    def _refused(self, reply: Reply, resets_in: float | None) -> Exception:
        """{"error": "ExpiredToken", "message": "Token has expired"} and the like."""
        try:
            said = json.loads(reply.body)
            name, message = str(said.get("error", "")), str(said.get("message", ""))
        except (ValueError, AttributeError):
            name = message = ""
        if name in _OVER and reply.status in (400, 401):
            return SessionOver(f"{name}: {message}")
        if name == "NotFound" and reply.status in (400, 404):
            return NotThere(message)
        error = reply.refused(f"{name}: {message}" if name else "")
        if isinstance(error, RetriableSourceError):
            if error.retry_after is None and reply.status == 429 and resets_in is not None:
                error.retry_after = resets_in
            if error.retry_after and _QUERIES in reply.address:
                self._meter.told(remaining=0, resets_in=error.retry_after)
        elif name == "AuthFactorTokenRequired":
            return FatalSourceError(f"{error}. Make an app password in Bluesky's settings and give that")
        return error


def _left(headers: Mapping[str, str]) -> tuple[float | None, float | None]:
    """ratelimit-remaining, and ratelimit-reset (a Unix time) counted on the server's own clock, its ``Date``."""
    found = httpx.Headers(dict(headers))
    try:
        left = float(found["ratelimit-remaining"])
        now = parsedate_to_datetime(found["date"]).timestamp()
        return left, max(0.0, float(found["ratelimit-reset"]) - now)
    except (KeyError, TypeError, ValueError):
        return None, None
