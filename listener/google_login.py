"""Access tokens for a Google service account: google-auth signs, our own HTTP asks.

https://developers.google.com/identity/protocols/oauth2/service-account: a JWT signed with the account's key is
exchanged for a token of an hour. google-auth would retry and sleep by itself on failures; here they leave as the host's
errors before it comes to that.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from google.auth.exceptions import GoogleAuthError
from google.oauth2 import service_account

from listener.http import Http, Reply, shown
from listener.source import FatalSourceError, Meter, RetriableSourceError, SourceError

_ANSWERED = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_PASSING = frozenset({"internal_failure", "server_error", "temporarily_unavailable"})
"""google-auth takes the first two for passing (google.oauth2._client), RFC 6749 has the last two."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """What google-auth wants of a transport."""

    status: int
    headers: Mapping[str, str]
    data: bytes


class ServiceAccount:
    """A service account that logs in where and how we say. ``key``: the JSON that Google hands out for it.

    Raises FatalSourceError, without a word of the key, where it is none.
    """

    def __init__(self, key: str, scope: str, http: Http, login: str, meter: Meter) -> None:
        self._http = http
        self._meter = meter
        try:
            info = json.loads(key)
            wanted = {name: info[name] for name in ("client_email", "private_key")}
            wanted |= {"token_uri": f"{login.rstrip('/')}/token", "private_key_id": info.get("private_key_id")}
            self.email = str(wanted["client_email"])
            self._credentials: Any = service_account.Credentials.from_service_account_info(  # type: ignore[no-untyped-call]
                wanted, scopes=[scope]
            )
        except (ValueError, KeyError, TypeError, AttributeError, GoogleAuthError):
            # Not from the error, whose text may hold a piece of the key.
            raise FatalSourceError(
                "the service account's key is not the JSON file that Google hands out for one (with client_email and "
                "private_key): create a key in the Google Cloud console and give the whole file"
            ) from None

    def token(self) -> str:
        """A fresh access token. Raises FatalSourceError or RetriableSourceError."""
        try:
            self._credentials.refresh(self._send)
        except GoogleAuthError as error:
            raise RetriableSourceError(
                "Google's login answered with no access token; it is tried again later"
            ) from error
        return str(self._credentials.token)

    def _send(
        self,
        url: str,
        method: str = "POST",  # noqa: ARG002 - google-auth's interface; tokens are only ever asked for by POST
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        **_: Any,
    ) -> _Answer:
        self._meter.ask()
        reply = self._http.post(
            url, form=dict(parse_qsl(body.decode())), headers=headers, passed=_ANSWERED, follow=False
        )
        if reply.status >= HTTPStatus.BAD_REQUEST:
            raise self._refused(reply)
        if not isinstance(reply.json(), dict):
            raise RetriableSourceError(f"{shown(reply.address)} answered with no access token; it is tried again later")
        return _Answer(reply.status, reply.headers, reply.body)

    def _refused(self, reply: Reply) -> SourceError:
        """https://www.rfc-editor.org/rfc/rfc6749#section-5.2: {"error": "invalid_grant", "error_description": ...}."""
        try:
            answer = json.loads(reply.body)
            code = str(answer["error"])
            said = f"{code}: {answer.get('error_description') or ''}"[:300]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return reply.refused()
        if code in _PASSING:
            return RetriableSourceError(
                f"{shown(reply.address)} could not let the service account in ({reply.status} {said}): trouble on its "
                "side; it is tried again later"
            )
        # A clock that is off, or a key that was made a moment ago, is refused in the same word as a deleted key.
        return FatalSourceError(
            f"{shown(reply.address)} does not let the service account {self.email} in ({reply.status} {said}): check "
            "that its key has not been deleted and that this machine's clock is right",
            may_pass=code == "invalid_grant",
        )
