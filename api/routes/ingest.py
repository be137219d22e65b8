"""Where other systems send what they hear: in our own form, or in theirs by a mapping."""

import asyncio
import hashlib
import re
from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from threading import Event
from typing import Annotated, Any

import structlog
from anyio import CapacityLimiter, WouldBlock, to_thread
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.requests import ClientDisconnect

from api import problems
from api.idempotency_keys import REPLAYED, read_key
from api.problems import Fault
from api.routes.dependencies import Installed
from listener import clock
from listener.jobs.push import Answer, Key, NobodyListens, NoSuchSender, Receiver
from listener.push.batch import MOST_ITEMS, Batch, Malformed, Stopping, Unusable, parse_body, read_mapped, read_own
from listener.push.options import Sender
from listener.push.schema import PushedItem
from listener.push.signature import NOBODY, SIGNATURE_HEADER, SOURCE_HEADER, TIMESTAMP_HEADER
from listener.registry import SOURCES

log = structlog.get_logger()

LARGEST_BODY = 5 * 2**20
"""Bytes: 500 long letters."""

BODY_TIMEOUT_S = 30
"""How long a body may take to come."""

READING = 32
"""Bodies that are read at the same time: until one is there whole nobody knows who sends it, so that all of them
together must fit into memory (160 MiB)."""

AT_WORK = 4
"""Requests that are stored at the same time; the page and the rest of the API have threads of their own."""

WAITING = 60
"""Requests that may wait for those; whoever comes then is asked to come again."""

STOPS_WITHIN_S = 0.2
"""How soon whoever reads a body learns that the process is to end."""

COME_AGAIN_S = 5
"""Seconds; within this a process that ends is there again, too."""

FORGED = "the request is not signed by a sender that is set up here, or it is too old"
"""The same words whatever is wrong, so that they tell nobody which names or secrets are near."""

_WAY = {"WWW-Authenticate": "Escucha-HMAC-SHA256"}

router = APIRouter(prefix="/api/v1/ingest", tags=["ingest"])

_JSON = re.compile(r"application/(?:[\w.+-]+\+)?json", re.IGNORECASE)


class Pushed(BaseModel):
    """What is sent."""

    items: Annotated[list[PushedItem], Field(max_length=MOST_ITEMS)]


class Result(BaseModel):
    """What became of one item, in the order in which they were sent."""

    id: str | None = None
    status: str = Field(description="stored, known, edited, deleted, unmatched (about no brand), ignored or refused.")
    pointer: str | None = Field(None, description="Refused: where in the request, as a JSON pointer (RFC 6901).")
    why: str | None = None


class Received(BaseModel):
    """What a request came to. Beside `received` stand the numbers of each status that occurs."""

    received: int
    items: list[Result]


class Stop(Exception):
    """The request ends here, with this answer."""

    def __init__(self, status: int, detail: str, *, pointer: str | None = None, **headers: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.faults = () if pointer is None else (Fault(detail=detail, pointer=pointer),)
        self.headers = headers


Atomic = Annotated[bool, Query(description="Take nothing unless all of it is good.")]

_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"model": Received},
    400: {"description": "Malformed: nothing was stored; `detail` says where."},
    401: {"description": "Not signed by a sender that is set up here, or too old."},
    408: {"description": "The body did not come in time."},
    409: {"description": "The same Idempotency-Key is being worked on."},
    413: {"description": f"Larger than {LARGEST_BODY // 2**20} MiB."},
    415: {"description": "Not JSON, or compressed."},
    422: {"description": "No list of items in it, too many, the key was used for another request, or not all good."},
    429: {"description": "Too many requests at once; see Retry-After."},
    503: {"description": "The database is busy, or no brand is listened for yet; see Retry-After."},
}


def _header(name: str, description: str, *, required: bool = False) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": required,
        "description": description,
        "schema": {"type": "string"},
    }


_KEY_HEADER = _header("Idempotency-Key", "The same key and body again is answered and not done again.")


def _inlined(schema: Any, definitions: dict[str, Any]) -> Any:
    """A schema without references, so that it can stand anywhere."""
    if isinstance(schema, dict):
        if "$ref" in schema:
            return _inlined(definitions[schema["$ref"].rpartition("/")[2]], definitions)
        return {name: _inlined(value, definitions) for name, value in schema.items() if name != "$defs"}
    return [_inlined(value, definitions) for value in schema] if isinstance(schema, list) else schema


def _body() -> dict[str, Any]:
    schema = Pushed.model_json_schema()
    return {"required": True, "content": {"application/json": {"schema": _inlined(schema, schema["$defs"])}}}


@router.post(
    "",
    summary="Send mentions",
    responses=_ANSWERS,
    openapi_extra={
        "requestBody": _body(),
        "parameters": [
            _header(SOURCE_HEADER, "The sender's name in escucha.yml.", required=True),
            _header(TIMESTAMP_HEADER, "Seconds since 1970.", required=True),
            _header(
                SIGNATURE_HEADER, "v0= and the HMAC-SHA256 of `v0:{timestamp}:{body}` in hexadecimal.", required=True
            ),
            _KEY_HEADER,
        ],
    },
)
async def ingest(request: Request, installed: Installed, atomic: Atomic = False) -> Response:
    """Up to 500 items, each taken or refused by itself. The same one sent again is known."""
    sender = installed.senders.get(request.headers.get(SOURCE_HEADER, ""))
    # Whoever has a token or a signature of another kind sends to an address of its own.
    return await _taken(request, sender if sender is not None and sender.signs else None, atomic=atomic)


@router.post(
    "/{name}",
    summary="Send in another system's form",
    responses=_ANSWERS,
    openapi_extra={
        "requestBody": {"required": True, "content": {"application/json": {"schema": {}}}},
        "parameters": [_KEY_HEADER],
    },
)
async def ingest_mapped(request: Request, installed: Installed, name: str, atomic: Atomic = False) -> Response:
    """JSON as the system sends it, read by the `mapping` of that sender in escucha.yml."""
    return await _taken(request, installed.senders.get(name), atomic=atomic)


async def _taken(request: Request, sender: Sender | None, *, atomic: bool) -> Response:
    try:
        answer = await _handled(request, sender, atomic=atomic)
    except Stop as stop:
        if stop.status == 401:
            log.warning("push_refused", path=request.url.path, why=FORGED)
        return problems.response(stop.status, stop.detail, request.url.path, errors=stop.faults, headers=stop.headers)
    except ClientDisconnect:
        # Half a body: nothing was stored, and there is nobody to answer.
        return Response(status_code=400)
    headers = {REPLAYED: "true"} if answer.replayed else {}
    if answer.retry_after is not None:
        headers["Retry-After"] = str(max(1, round(answer.retry_after.total_seconds())))
    return Response(answer.body, answer.status, headers, media_type="application/json")


async def _handled(request: Request, sender: Sender | None, *, atomic: bool) -> Answer:
    _acceptable(request)
    token = request.query_params.get("token")
    senders = request.app.state.installation.senders
    # Of any sender and not of this one, or the answer would tell who is set up here, and how they sign.
    if not any(one.proof.offered(request.headers, token) for one in senders.values()):
        raise Stop(401, FORGED, Connection="close", **_WAY)
    body = await _read_in_turn(request)
    now = clock.now()
    proof = sender.proof if sender is not None else NOBODY
    proven = proof.holds(request.headers, token, body, now)
    if sender is None or not proven:
        raise Stop(401, FORGED, **_WAY)
    key = _key(request, sender, body, atomic=atomic)
    receiver, limiter = _working(request)
    if limiter.statistics().tasks_waiting >= WAITING:
        raise Stop(429, "too many requests wait here; come again", **{"Retry-After": str(COME_AGAIN_S)})
    own = _own_kinds(sender, senders.values())
    return await to_thread.run_sync(
        lambda: _store(receiver, sender, body, key, now, own_kinds=own, atomic=atomic), limiter=limiter
    )


def _own_kinds(sender: Sender, senders: Iterable[Sender]) -> frozenset[str]:
    """The platforms of which nobody but this sender tells."""
    others = {kind for one in senders if one.name != sender.name for kind in one.kinds}
    return frozenset(sender.kinds) - others - SOURCES.keys()


def _acceptable(request: Request) -> None:
    kind, _, parameters = request.headers.get("Content-Type", "").partition(";")
    charset = re.search(r"charset\s*=\s*\"?([\w-]+)", parameters, re.IGNORECASE)
    if not _JSON.fullmatch(kind.strip()) or (charset and charset[1].lower() not in ("utf-8", "utf8", "us-ascii")):
        raise Stop(415, "send application/json in UTF-8")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Stop(415, "send the body as it is, not compressed", **{"Accept-Encoding": "identity"})


async def _read_in_turn(request: Request) -> bytes:
    state = request.app.state
    if not hasattr(state, "bodies"):
        state.bodies = CapacityLimiter(READING)
    try:
        state.bodies.acquire_on_behalf_of_nowait(request)
    except WouldBlock as error:
        words = "too many requests are being read here; come again"
        raise Stop(503, words, Connection="close", **{"Retry-After": str(COME_AGAIN_S)}) from error
    try:
        return await _read(request)
    finally:
        state.bodies.release_on_behalf_of(request)


async def _read(request: Request) -> bytes:
    """The body, and never more of it than may be."""
    too_large = Stop(413, f"send at most {LARGEST_BODY // 2**20} MiB in one request", Connection="close")
    declared = request.headers.get("Content-Length", "")
    if declared.isascii() and declared.isdigit() and (len(declared) > 12 or int(declared) > LARGEST_BODY):
        raise too_large
    body = bytearray()
    stopped: asyncio.Task[None] | None = None
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S) as patience:
            stopped = asyncio.create_task(_until_stopped(request.app.state.stop, patience))
            async for chunk in request.stream():
                body += chunk
                if len(body) > LARGEST_BODY:
                    raise too_large
    except TimeoutError as error:
        if request.app.state.stop.is_set():
            raise _stopping() from error
        raise Stop(408, f"the body did not come within {BODY_TIMEOUT_S} seconds", Connection="close") from error
    finally:
        if stopped is not None:
            stopped.cancel()
    return bytes(body)


async def _until_stopped(stop: Event, patience: asyncio.Timeout) -> None:
    """End somebody's patience when the process is to end."""
    while not stop.is_set():
        await asyncio.sleep(STOPS_WITHIN_S)
    patience.reschedule(asyncio.get_running_loop().time())


def _stopping() -> Stop:
    words = "Escucha is being stopped; nothing was stored, come again"
    return Stop(503, words, Connection="close", **{"Retry-After": str(COME_AGAIN_S)})


def _key(request: Request, sender: Sender, body: bytes, *, atomic: bool) -> Key | None:
    """Written as the draft has it, in quotes (draft-ietf-httpapi-idempotency-key-header-07), or bare as most do."""
    written = request.headers.get("Idempotency-Key")
    if sender.proof.lasts:
        # Whoever has caught a request could send it for ever, under any key: none is part of what is signed.
        same = hashlib.sha256(body)
        # No header can hold such a key.
        return Key(f"body\n{same.hexdigest()}", same.digest(), of_body=True)
    if written is None:
        return None
    try:
        name = read_key(written)
    except ValueError as error:
        raise Stop(400, str(error)) from error
    digest = hashlib.sha256(f"{request.method} {request.url.path} {sender.name} {atomic}\n".encode() + body)
    return Key(name, digest.digest())


def _store(
    receiver: Receiver, sender: Sender, body: bytes, key: Key | None, now: datetime, *, own_kinds: Collection[str],
    atomic: bool,
) -> Answer:  # fmt: skip
    """In a thread of its own: reading and storing take their time."""
    try:
        batch = _batch(sender, body, now, receiver.keep_on)
        return receiver.receive(sender.name, batch, key=key, atomic=atomic, own_kinds=own_kinds)
    except Malformed as error:
        raise Stop(400, str(error)) from error
    except Unusable as error:
        raise Stop(422, str(error), pointer=error.pointer) from error
    except NobodyListens as error:
        words = "no brand is listened for here yet; nothing was stored"
        raise Stop(503, words, **{"Retry-After": str(60)}) from error
    except NoSuchSender as error:
        words = "this sender is no longer set up; nothing was stored"
        raise Stop(503, words, **{"Retry-After": str(60)}) from error
    except Stopping as error:
        raise _stopping() from error
    except (OperationalError, InterfaceError, PoolTimeout) as error:
        # Not the error itself: it quotes the statement, and with it what customers said.
        log.warning("push_database_busy", source=sender.name, error=str(getattr(error, "orig", None) or type(error)))
        words = "the database is busy; come again"
        raise Stop(503, words, **{"Retry-After": str(COME_AGAIN_S)}) from error


def _batch(sender: Sender, body: bytes, now: datetime, keep_on: Callable[[], bool]) -> Batch:
    document = parse_body(body)
    if sender.mapping is None:
        return read_own(document, sender.kinds, now, keep_on)
    return read_mapped(document, sender.mapping, sender.kinds, now, keep_on)


def _working(request: Request) -> tuple[Receiver, CapacityLimiter]:
    """One receiver for an application, made when the first request comes."""
    state = request.app.state
    if not hasattr(state, "receiver"):
        state.receiver = Receiver(state.installation.store, clock.now, lambda: not state.stop.is_set())
        state.receiving = CapacityLimiter(AT_WORK)
    return state.receiver, state.receiving
