"""Writes that are sent twice and done once (draft-ietf-httpapi-idempotency-key-header-07).

A program that never got its answer sends the request again with the same ``Idempotency-Key``: it is answered as before,
and nothing is done anew. What a write changes and what it came to are two transactions: a process that dies between
them leaves a write that is done again under its key, once the lease is over. An answer of 500 or above gives the key
back at once, whatever was done before it failed: look at what is there before sending it again.
"""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from anyio import CancelScope, to_thread
from fastapi import FastAPI, HTTPException
from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import problems
from api.access import READING, session_token
from api.idempotency_keys import REPLAYED, read_key
from api.refusals import BUSY, COME_AGAIN_S
from listener import clock
from listener.access import Caller
from listener.store import callers, request_receipts
from listener.store.engine import Store, in_words
from listener.store.request_receipts import Kept

log = structlog.get_logger()

LARGEST_ANSWER = 256 * 1024
"""Bytes of an answer that are kept."""

RETRY_AFTER_S = 2

_OTHERS = ("/api/v1/ingest", "/api/v1/slack/")
"""They have receipts of their own."""

_SECRET = ("/api/v1/keys", "/api/v1/users")
"""Their answers may show a key or an invitation, once and never again: nothing of them is kept."""

_NOT_ABOUT_IT = frozenset({401, 403, 408, 412, 425, 428, 429})
"""Refusals of how it was asked, or when: mended, the same request may be taken."""

_KEPT_HEADERS = ("content-type", "etag", "location", "content-language")

REUSED = "this Idempotency-Key was used for another request: take a new key for each thing to be done"
WORKING = "the request with this Idempotency-Key is being worked on: ask again in a moment"
CHANGED = "this was done already, and what you may do has changed since: look at what is there"


def concerns(method: str, path: str) -> bool:
    """Whether this changes something and takes a key."""
    return method not in READING and path.startswith("/api/v1/") and not path.startswith(_OTHERS)


@dataclass(frozen=True, slots=True)
class _Claim:
    """A key that is the request's own to work under."""

    store: Store
    caller: str
    key: str
    at: datetime

    def keep(self, status: int, headers: dict[str, str], body: bytes | None) -> None:
        with self.store.transaction() as session:
            request_receipts.keep(session, self.caller, self.key, self.at, status, headers, body)

    def give_back(self) -> None:
        with self.store.transaction() as session:
            request_receipts.give_back(session, self.caller, self.key, self.at)


@dataclass
class _Answer:
    """What the application answers, held back until it is kept."""

    messages: list[Message] = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)
    too_large: bool = False

    @property
    def status(self) -> int:
        return int(self.messages[0]["status"])

    @property
    def headers(self) -> Headers:
        return Headers(raw=self.messages[0]["headers"])

    @property
    def worth_keeping(self) -> bool:
        """What is certain to have been done, or refused for what it is."""
        return self.status < 500 and self.status not in _NOT_ABOUT_IT

    def kept_body(self, path: str) -> bytes | None:
        secret = path.startswith(_SECRET) or "no-store" in self.headers.get("cache-control", "")
        return None if self.too_large or (secret and self.status < 400) else bytes(self.body)


class Idempotency:
    """Answers writes under a known key, and keeps what others come to."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not concerns(scope["method"], scope["path"]):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if (written := headers.get("idempotency-key")) is None:
            await self._app(scope, receive, send)
            return
        try:
            key = read_key(written)
            body = await _whole(receive)
            claim = await self._claimed(scope, key, body)
        except ValueError as error:
            claim = problems.response(400, str(error), scope["path"])
        except HTTPException as error:
            claim = problems.response(error.status_code, str(error.detail), scope["path"], headers=error.headers)
        if isinstance(claim, Response):
            await claim(scope, receive, send)
            return
        again = _again(body, receive)
        if claim is None:
            await self._app(scope, again, send)
        else:
            await self._done_once(claim, scope, again, send)

    async def _claimed(self, scope: Scope, key: str, body: bytes) -> _Claim | Response | None:
        """The key as this request's own; or the answer; or None for nobody, whom the route itself will refuse."""
        app: FastAPI = scope["app"]
        store: Store = app.state.installation.store
        fingerprint = hashlib.sha256(
            b"\n".join((scope["method"].encode(), scope["path"].encode(), scope["query_string"], body))
        ).digest()

        def claimed() -> _Claim | Response | None:
            now = clock.now()
            asking = _asking(store, HTTPConnection(scope), now)
            if asking is None:
                return None
            caller = f"key {asking.key_id}" if asking.key_id is not None else f"user {asking.user_id}"
            with store.transaction() as session:
                kept = request_receipts.claim(session, caller, key, fingerprint, _rights(asking), now)
            if kept is None:
                return _Claim(store, caller, key, now)
            return _known(kept, fingerprint, _rights(asking), scope["path"])

        try:
            return await to_thread.run_sync(claimed)
        except SQLAlchemyError as error:
            if not (in_words(error) or "").startswith("our own database"):
                raise
            busy = {"Retry-After": str(COME_AGAIN_S)}
            return problems.response(503, BUSY, scope["path"], kind=problems.DATABASE_BUSY, headers=busy)

    async def _done_once(self, claim: _Claim, scope: Scope, receive: Receive, send: Send) -> None:
        answer = _Answer()
        settled = False

        async def hold(message: Message) -> None:
            nonlocal settled
            if settled:
                await send(message)
                return
            answer.messages.append(message)
            if message["type"] == "http.response.body":
                answer.body += message.get("body", b"")
                answer.too_large = len(answer.body) > LARGEST_ANSWER
                if answer.too_large or not message.get("more_body", False):
                    settled = True
                    await _settle(claim, answer, scope["path"])
                    for one in answer.messages:
                        await send(one)
                    answer.messages.clear()

        try:
            await self._app(scope, receive, hold)
        finally:
            if not settled:
                # It broke, or the client went away: whoever asks again has it tried anew.
                with CancelScope(shield=True):
                    await to_thread.run_sync(claim.give_back)


async def _settle(claim: _Claim, answer: _Answer, path: str) -> None:
    kept = {name: answer.headers[name] for name in _KEPT_HEADERS if name in answer.headers}
    with CancelScope(shield=True):
        try:
            if answer.worth_keeping:
                await to_thread.run_sync(claim.keep, answer.status, kept, answer.kept_body(path))
            else:
                await to_thread.run_sync(claim.give_back)
        except SQLAlchemyError as error:
            # It is done and cannot be undone: the answer is worth more than its receipt.
            log.warning("receipt_not_kept", path=path, why=in_words(error))


def _asking(store: Store, request: HTTPConnection, now: datetime) -> Caller | None:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    token = session_token(request)
    with store.reading() as session:
        if scheme.lower() == "bearer" and key:
            found = callers.by_key(session, key.strip(), now)
        else:
            found = callers.by_session(session, token, now) if token else None
    return found[0] if found else None


def _rights(asking: Caller) -> str:
    """What somebody may do, as a digest: an answer that they got is theirs while they may do the same."""
    held = (sorted(asking.everywhere), sorted((brand, sorted(may)) for brand, may in asking.by_brand.items()))
    return hashlib.sha256(repr(held).encode()).hexdigest()


def _known(kept: Kept, fingerprint: bytes, rights: str, path: str) -> Response:
    """The answer to a request whose key is known."""
    if kept.fingerprint != fingerprint:
        return problems.response(422, REUSED, path, kind=problems.KEY_REUSED)
    if kept.status is None:
        wait = {"Retry-After": str(RETRY_AFTER_S)}
        return problems.response(409, WORKING, path, kind=problems.AT_WORK, headers=wait)
    if kept.rights != rights:
        return problems.response(409, CHANGED, path, kind=problems.ANSWER_GONE)
    if kept.body is None:
        said = f"this was done already and answered {kept.status}; that answer is not kept: look at what is there"
        return problems.response(409, said, path, kind=problems.ANSWER_GONE)
    return Response(kept.body, kept.status, {**kept.headers, REPLAYED: "true"})


async def _whole(receive: Receive) -> bytes:
    """The body. Raises HTTPException where it breaks off, and 413 where it is too large (``api.bodies``)."""
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise HTTPException(400, "the request broke off")
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return bytes(body)


def _again(body: bytes, receive: Receive) -> Callable[[], Awaitable[Any]]:
    """A body that was read, to be read once more; what comes after it is the client going away."""
    told = False

    async def receiving() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receiving
