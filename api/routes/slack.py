"""Where Slack says that somebody pressed a button. It is verified and kept; ``listener.jobs.interact`` does the rest.

Slack waits three seconds. Until a body is there whole nobody knows who sends it, so what is read of all of them
together is bounded in bytes: whoever sends nothing takes no place from anybody.
"""

import asyncio
import json
import secrets
from typing import Annotated

import structlog
from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import PlainTextResponse
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.requests import ClientDisconnect

from alerts.slack.feedback import Outcome
from alerts.slack.press import MalformedError, read_form, read_press, unreadable
from alerts.slack.signature import SIGNATURE_HEADER, TIMESTAMP_HEADER, Signed, SigningSecret, digest
from listener import clock
from listener.store import interactions
from listener.store.engine import Store

log = structlog.get_logger()

LARGEST_BODY = 2**20
"""Bytes. The message under the button comes along, percent-encoded."""

READING = 32 * 2**20
"""Bytes of all bodies that are being read."""

ANSWERED_IN_S = 2.5
"""Seconds. After three Slack tells the person that it did not work, whatever comes then."""

AT_WORK = 4
"""Presses that are kept at the same time."""

FORGED = "the request is not signed by a Slack app that is set up here, or it is too old"
"""The same words whatever is wrong, so that they tell nobody which channels there are."""

TOLD_EVERY_S = 60.0
"""Seconds between two lines in the log about requests that were refused: anybody may send one."""

_NOBODY = SigningSecret(secrets.token_hex(16))

router = APIRouter(prefix="/api/v1/slack", tags=["slack"])

Channel = Annotated[str, Path(max_length=200, description="A channel of the kind slack_bot, by its name.")]


class _Refused(Exception):
    """The request ends here."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


@router.post(
    "/{channel}/interactions",
    summary="A button was pressed (for Slack alone)",
    response_class=PlainTextResponse,
    responses={
        200: {"description": "Kept; or kept before."},
        400: {"description": "Signed, but nothing that a button sends."},
        401: {"description": "Not signed by a Slack app that is set up here, or too old."},
        408: {"description": "The body did not come in time."},
        413: {"description": f"Larger than {LARGEST_BODY // 2**20} MiB."},
        503: {"description": "Too much at once, or the database is busy."},
    },
)
async def interactions_of(request: Request, channel: Channel) -> Response:
    """Keep what somebody did with a button. The answer is empty, which tells Slack that it has arrived."""
    try:
        async with asyncio.timeout(ANSWERED_IN_S):
            return PlainTextResponse(await _handled(request, channel))
    except _Refused as error:
        _tell(request, channel, error.status, error.detail)
        return PlainTextResponse(error.detail, error.status, {"Connection": "close"})
    except TimeoutError:
        _tell(request, channel, 408, "not in time")
        return PlainTextResponse("this took too long", 408, {"Connection": "close"})
    except ClientDisconnect:
        return Response(status_code=400)
    except (OperationalError, InterfaceError, PoolTimeout) as error:
        log.warning("press_refused", channel=channel[:80], status=503, why=str(getattr(error, "orig", None) or error))
        return PlainTextResponse("the database is busy", 503)


def _tell(request: Request, channel: str, status: int, why: str) -> None:
    """Log that a request was refused, or count it for the next line."""
    state, now = request.app.state, clock.monotonic()
    told, untold = getattr(state, "refusals", (None, 0))
    if told is not None and now - told < TOLD_EVERY_S:
        state.refusals = (told, untold + 1)
        return
    state.refusals = (now, 0)
    log.warning("press_refused", channel=channel[:80], status=status, why=why, more_since_the_last=untold)


async def _handled(request: Request, channel: str) -> str:
    signed = Signed.read(request.headers.get(TIMESTAMP_HEADER), request.headers.get(SIGNATURE_HEADER), clock.now())
    if signed is None:
        raise _Refused(401, FORGED)
    body = await _read(request)
    now = clock.now()
    signing = request.app.state.installation.signing
    # Of a channel that is not there it takes as long to find out.
    if not signing.get(channel, _NOBODY).holds(signed, body, now) or channel not in signing:
        raise _Refused(401, FORGED)
    form = _form(body)
    if "ssl_check" in form:
        return ""
    if "challenge" in form:
        return form["challenge"]
    state = request.app.state
    if not hasattr(state, "pressing"):
        state.pressing = CapacityLimiter(AT_WORK)
    store: Store = state.installation.store
    # Whoever comes too late for Slack is let go; what its thread keeps all the same is acted on.
    understood = await to_thread.run_sync(
        lambda: _keep(store, channel, digest(signed, body), form), limiter=state.pressing, abandon_on_cancel=True
    )
    if not understood:
        raise _Refused(400, "this is nothing that a button sends")
    return ""


def _form(body: bytes) -> dict[str, str]:
    """The fields; Slack checks an address for events with JSON instead of a form."""
    try:
        said = json.loads(body)
        if isinstance(said, dict) and said.get("type") == "url_verification":
            return {"challenge": str(said.get("challenge", ""))[:1000]}
    except (ValueError, RecursionError):
        pass
    try:
        return dict(read_form(body))
    except MalformedError:
        return {}


def _keep(store: Store, channel: str, key: str, form: dict[str, str]) -> bool:
    """Keep it, once; whether it could be read."""
    now = clock.now()
    try:
        kept, outcome = read_press(form.get("payload", "")).to_json(), None
    except MalformedError as error:
        log.warning("press_malformed", channel=channel, error=str(error))
        kept, outcome = unreadable(form.get("payload", ""), str(error)), Outcome.MALFORMED
    with store.transaction() as session:
        new = interactions.keep(session, key, channel, kept, now, outcome)
    log.info("press_kept", channel=channel, press=key[:12], replayed=not new)
    return outcome is None


async def _read(request: Request) -> bytes:
    """The body, and never more of it than may be."""
    declared = request.headers.get("Content-Length", "")
    if declared.isascii() and declared.isdigit() and (len(declared) > 12 or int(declared) > LARGEST_BODY):
        raise _Refused(413, f"send at most {LARGEST_BODY // 2**20} MiB")
    state = request.app.state
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            state.pressing_bytes = getattr(state, "pressing_bytes", 0) + len(chunk)
            if len(body) > LARGEST_BODY:
                raise _Refused(413, f"send at most {LARGEST_BODY // 2**20} MiB")
            if state.pressing_bytes > READING:
                raise _Refused(503, "too many requests are being read here; come again")
    finally:
        state.pressing_bytes = getattr(state, "pressing_bytes", 0) - len(body)
    return bytes(body)
