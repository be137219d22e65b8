"""Signing in with an OpenID Connect provider: authorization code with PKCE, state and nonce (OpenID Connect Core 1.0,
RFC 7636). What the provider says is believed only as far as its signature and our own secrets of the attempt go.

An attempt is one random token in the browser's cookie, known to the store by its digest. State, nonce and verifier are
derived from it, so that they belong to this browser and to this attempt alone, and nothing has to be signed.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from fastapi import HTTPException
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from api.addresses import public_url
from api.dashboard.language import N_
from api.turns import Turns
from listener import clock
from listener.access import Role
from listener.config import ConfigError, Settings

ANSWER = "/sign-in/oidc/answer"
"""Where the provider sends people back to; it has to know this address."""

KEPT_FOR = timedelta(hours=1)
"""How long what a provider says of itself is taken for true."""

TIMEOUT_S = 10
GIVEN_UP_S = 30.0
"""For so long a provider that did not answer is not asked again: strangers can ask us to, and each time takes long."""

PATIENCE_S = 3.0
"""How long others wait for whoever asks it."""

LEEWAY_S = 60
"""By how much its clock and ours may differ."""

MOST_BYTES = 1_000_000
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures by a key that the provider alone has; "none" and shared secrets are no proof of that."""

UNREACHED = N_("The sign-in service does not answer as it should. Try again, or sign in with a password.")
UNPROVEN = N_("What the sign-in service said could not be verified, so nobody was signed in. Try again.")


class OidcError(Exception):
    """Nobody can be signed in so. ``said``: for the person, in English, known to the pages' translations; the error's
    own words are for the log."""

    def __init__(self, said: str, why: str) -> None:
        super().__init__(why)
        self.said = said


@dataclass(frozen=True, slots=True)
class Known:
    """Whom the provider vouches for. ``email``: in lower case, and only if it says that it is theirs."""

    issuer: str
    subject: str
    email: str | None
    name: str


@dataclass
class Provider:
    """One provider. Safe to share between threads."""

    issuer: str
    client_id: str
    client_secret: str | None
    name: str
    role: Role | None
    redirect: str
    _turns: Turns = field(default_factory=lambda: Turns("others ask the provider", at_once=1))
    _read: tuple[datetime, Mapping[str, Any], KeySet] | None = None
    _failed: tuple[float, OidcError] | None = None

    def reach(self, now: datetime) -> None:
        """Find out what the provider says of itself, if that is not known. Raises OidcError where it does not."""
        self._about(now)

    def begin(self, attempt: str, now: datetime) -> str:
        """Where a browser goes that holds this attempt's token. Raises OidcError."""
        about, _ = self._about(now)
        with self._client(about) as client:
            address, _ = client.create_authorization_url(
                about["authorization_endpoint"], state=derived(attempt, "state"), nonce=derived(attempt, "nonce"),
                code_verifier=derived(attempt, "verifier"),
            )  # fmt: skip
        return str(address)

    def finish(self, attempt: str, code: str, now: datetime) -> Known:
        """Whom the provider sent back with this code. Raises OidcError."""
        about, keys = self._about(now)
        try:
            with self._client(about) as client:
                answer = client.fetch_token(
                    about["token_endpoint"], code=code, code_verifier=derived(attempt, "verifier"), timeout=TIMEOUT_S
                )
        except (AuthlibBaseError, requests.RequestException, ValueError) as error:
            raise OidcError(UNREACHED, f"token endpoint: {type(error).__name__}") from error
        proof = answer.get("id_token")
        if not isinstance(proof, str):
            raise OidcError(UNPROVEN, "the answer holds no ID token")
        try:
            claims = self._verified(proof, keys, about, attempt, now)
        except UnknownKey:
            # It may have changed its keys since they were read.
            about, keys = self._about(now, again=True)
            claims = self._verified(proof, keys, about, attempt, now)
        return _known(claims)

    def _verified(
        self, proof: str, keys: KeySet, about: Mapping[str, Any], attempt: str, now: datetime
    ) -> Mapping[str, Any]:
        try:
            token = jwt.decode(proof, keys, algorithms=list(ALGORITHMS))
        except (JoseError, ValueError, TypeError) as error:
            raise UnknownKey(UNPROVEN, f"ID token: {type(error).__name__}") from error
        claims = CodeIDToken(
            token.claims,
            token.header,
            {"iss": {"essential": True, "value": about["issuer"]}, "aud": {"essential": True, "value": self.client_id}},
            {"nonce": derived(attempt, "nonce"), "client_id": self.client_id},
        )
        try:
            claims.validate(int(now.timestamp()), LEEWAY_S)
        except (JoseError, AuthlibBaseError, ValueError, TypeError) as error:
            raise OidcError(UNPROVEN, f"ID token: {error}") from error
        return dict(claims)

    def _client(self, about: Mapping[str, Any]) -> OAuth2Session:
        taken = about.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        secret = "client_secret_basic" if "client_secret_basic" in taken else "client_secret_post"
        return OAuth2Session(
            self.client_id, self.client_secret, scope="openid email profile", redirect_uri=self.redirect,
            token_endpoint_auth_method=secret if self.client_secret else "none", code_challenge_method="S256",
        )  # fmt: skip

    def _about(self, now: datetime, *, again: bool = False) -> tuple[Mapping[str, Any], KeySet]:
        """What the provider says of itself (OpenID Connect Discovery 1.0), and its keys."""
        known = self._read
        if known is not None and not again and now - known[0] <= KEPT_FOR:
            return known[1], known[2]
        self._unless_given_up()
        try:
            with self._turns.take(PATIENCE_S):
                # Whoever was before us may have asked already, or found that it does not answer.
                if self._read is known:
                    self._unless_given_up()
                    try:
                        self._read = now, *self._asked()
                    except OidcError as error:
                        self._failed = clock.monotonic(), error
                        raise
                assert self._read is not None
                return self._read[1], self._read[2]
        except HTTPException as busy:
            if known is None:
                raise OidcError(UNREACHED, "others wait for its answer") from busy
            return known[1], known[2]

    def _unless_given_up(self) -> None:
        if self._failed is not None and clock.monotonic() - self._failed[0] < GIVEN_UP_S:
            raise OidcError(self._failed[1].said, f"{self._failed[1]} (a moment ago)")

    def _asked(self) -> tuple[Mapping[str, Any], KeySet]:
        about = _fetched(f"{self.issuer}/.well-known/openid-configuration")
        if str(about.get("issuer")).rstrip("/") != self.issuer:
            raise OidcError(UNREACHED, "the discovery document names another issuer")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if not str(about.get(name)).startswith(("https://", "http://")):
                raise OidcError(UNREACHED, f"the discovery document names no {name}")
        return about, _keys(_fetched(str(about["jwks_uri"])))


class UnknownKey(OidcError):
    """No key that we know of has signed it."""


def provider(settings: Settings) -> Provider | None:
    """The provider that the settings name; None for none. Raises ConfigError for half of what it takes."""
    if settings.oidc_issuer is None:
        return None
    if settings.oidc_client_id is None:
        raise ConfigError(
            "ESCUCHA_OIDC_CLIENT_ID: set it to what the provider of ESCUCHA_OIDC_ISSUER calls this client"
        )
    parts = urlsplit(settings.oidc_issuer)
    if parts.scheme != "https" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise ConfigError("ESCUCHA_OIDC_ISSUER: it must begin with https://, or who signs in could be anybody")
    secret = settings.oidc_client_secret
    return Provider(
        settings.oidc_issuer,
        settings.oidc_client_id,
        None if secret is None else secret.get_secret_value(),
        settings.oidc_name,
        None if settings.oidc_role is None else Role(settings.oidc_role),
        public_url(settings) + ANSWER,
    )


def derived(attempt: str, what: str) -> str:
    """A value of this attempt that tells nothing of the others: 43 characters, as RFC 7636 asks of a verifier."""
    made = hmac.new(attempt.encode(), what.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode()


def _known(claims: Mapping[str, Any]) -> Known:
    email = claims.get("email")
    mine = isinstance(email, str) and claims.get("email_verified") is True
    name = next((one for one in (claims.get("name"), claims.get("preferred_username"), email) if one), "?")
    return Known(str(claims["iss"]), str(claims["sub"]), str(email).strip().lower() if mine else None, str(name))


def _keys(found: Mapping[str, Any]) -> KeySet:
    listed = found.get("keys")
    signing = [one for one in listed if one.get("use", "sig") == "sig"] if isinstance(listed, list) else []
    try:
        return KeySet.import_key_set({"keys": signing})
    except (JoseError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise OidcError(UNREACHED, f"its keys cannot be read: {type(error).__name__}") from error


def _fetched(address: str) -> Mapping[str, Any]:
    try:
        with requests.get(address, timeout=TIMEOUT_S, stream=True) as answer:
            answer.raise_for_status()
            found = json.loads(answer.raw.read(MOST_BYTES, decode_content=True))
    except (requests.RequestException, ValueError, OSError) as error:
        raise OidcError(UNREACHED, f"{address}: {type(error).__name__}") from error
    if not isinstance(found, dict):
        raise OidcError(UNREACHED, f"{address} answers with no JSON object")
    return found
