"""A server that answers as Google's login and the Reply to Reviews API do: signed logins, expiring tokens, a week."""

import base64
import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import jwt
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from listener.http import Http
from listener.sources.googleplay import GooglePlayOptions, GooglePlaySource
from listener.tools import Endpoints, Tools
from tests.listener.sources.conformance import UNTIL, Post, RemotePlatform

PACKAGE = "com.example.acme"
EMAIL = "escucha@acme-project.iam.gserviceaccount.com"
_REVIEWS = f"/androidpublisher/v3/applications/{PACKAGE}/reviews"


@cache
def _keys() -> tuple[str, bytes]:
    """A private key and its public half."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return (
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode(),
        private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ),
    )  # fmt: skip


def key() -> str:
    """The JSON file that Google hands out for a service account."""
    return json.dumps(
        {
            "type": "service_account", "project_id": "acme-project", "private_key_id": "k1", "client_id": "1",
            "private_key": _keys()[0], "client_email": EMAIL, "token_uri": "https://oauth2.googleapis.com/token",
        }
    )  # fmt: skip


class FakeGooglePlay(RemotePlatform):
    """``/token`` and ``reviews``: the last week's, the latest first, each token good for so many requests."""

    def __init__(self, httpserver: HTTPServer, http: Http) -> None:
        super().__init__(httpserver)
        self._http = http
        self.reviews: list[dict[str, Any]] = []
        self.now = UNTIL + timedelta(hours=3)
        self.repeat_token = False
        self.forget_pages = False
        self.key_deleted = False
        self.uses = 1000
        """How many requests an access token is good for."""
        self._left: dict[str, int] = {}

    def source(self, **options: Any) -> GooglePlaySource:
        address = self.server.url_for("").rstrip("/")
        settings = {"package": PACKAGE, **({} if "key_file" in options else {"key": key()}), **options}
        endpoints = Endpoints(googleplay=address, google_login=address)
        return GooglePlaySource(
            GooglePlayOptions(**settings), Tools(self._http, endpoints, meter=lambda *a: self.meter)
        )

    def publish(self, posts: Iterable[Post]) -> None:
        for post in posts:
            self.review(post)

    def review(self, post: Post, **said: Any) -> None:
        comment = {
            "text": post.text, "lastModified": _time(post.said_at), "starRating": 4, "reviewerLanguage": "en",
            "device": "trltecan", "androidOsVersion": 34, "thumbsUpCount": 0, "thumbsDownCount": 0, **said,
        }  # fmt: skip
        self.reviews.append({"reviewId": post.id, "authorName": post.author, "comments": [{"userComment": comment}]})

    def edit(self, native_id: str, text: str, at: datetime) -> None:
        review = next(review for review in self.reviews if review["reviewId"] == native_id)
        review["comments"][0]["userComment"] |= {"text": text, "lastModified": _time(at)}

    def answer(self, request: Request) -> Response:
        return self._login(request) if request.path == "/token" else self._list(request)

    def _login(self, request: Request) -> Response:
        assert request.method == "POST"
        assert request.form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
        claims = jwt.decode(  # checks signature, audience and times
            request.form["assertion"], certs=_keys()[1], audience="https://oauth2.googleapis.com/token"
        )
        assert claims["iss"] == EMAIL
        assert claims["scope"] == "https://www.googleapis.com/auth/androidpublisher"
        if self.key_deleted:
            return _json({"error": "invalid_grant", "error_description": "Invalid JWT Signature."}, 400)
        token = f"ya29.{len(self._left)}"
        self._left[token] = self.uses
        return _json({"access_token": token, "expires_in": 3599, "token_type": "Bearer"})

    def _list(self, request: Request) -> Response:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self._left.get(token, 0) < 1:
            return error(401, "authError", "Request had invalid authentication credentials.", "UNAUTHENTICATED")
        self._left[token] -= 1
        if request.path != _REVIEWS:
            return error(404, "applicationNotFound", "No application was found for the given package name.")
        start = 0
        if page := request.args.get("token"):
            if self.forget_pages:
                return error(400, "badRequest", "Invalid token.", "INVALID_ARGUMENT")
            start = int(base64.urlsafe_b64decode(page).split(b":")[1])
        oldest = (self.now - timedelta(days=7)).timestamp()
        found = [review for review in self.reviews if (at := _seconds(review)) is None or at >= oldest]
        found.sort(key=lambda review: _seconds(review) or 0, reverse=True)
        size = int(request.args["maxResults"])
        assert size <= 100
        answer: dict[str, Any] = {}
        if found[start : start + size]:
            answer["reviews"] = found[start : start + size]
        following = start if self.repeat_token and start else start + size
        if following < len(found):
            answer["tokenPagination"] = {"nextPageToken": base64.urlsafe_b64encode(f"at:{following}".encode()).decode()}
        return _json(answer)


def _time(moment: datetime) -> dict[str, Any]:
    return {"seconds": str(int(moment.timestamp())), "nanos": moment.microsecond * 1000}


def _seconds(review: dict[str, Any]) -> float | None:
    try:
        at = review["comments"][0]["userComment"]["lastModified"]
        return int(at["seconds"]) + at["nanos"] / 1e9
    except (KeyError, TypeError, ValueError, IndexError):
        return None


def error(code: int, reason: str, message: str, status: str | None = None, **more: Any) -> Response:
    """A refusal as Google's APIs write it."""
    body: dict[str, Any] = {
        "code": code, "message": message,
        "errors": [{"message": message, "domain": "androidpublisher", "reason": reason}],
        **({"status": status} if status else {}), **more,
    }  # fmt: skip
    return _json({"error": body}, code)


def _json(data: Any, code: int = 200) -> Response:
    return Response(json.dumps(data), code, content_type="application/json; charset=UTF-8")
