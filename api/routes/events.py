"""The event stream that keeps open pages up to date."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, cast

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from api.access import needs, session_token
from api.dashboard.live import Live, Versions
from api.routes.dependencies import Installed
from api.wiring import Installation
from listener import clock
from listener.access import Caller, Permission
from listener.store import callers

router = APIRouter(tags=["events"])

TOPICS = {
    "alerts": Permission.READ_ALERTS, "mentions": Permission.READ_MENTIONS, "deliveries": Permission.READ_ALERTS,
    "silences": Permission.READ_ALERTS, "health": Permission.READ_SETUP, "promoters": Permission.READ_PROMOTERS,
    "brands": Permission.READ_SETUP,
}  # fmt: skip
"""What each topic (``listener.store.versions.TOPICS``) is about, by what reading it takes."""

KEEPALIVE_S = 15.0
"""Proxies close streams that say nothing for long."""

KNOWN_FOR_S = 30.0
"""How long a stream goes on before it is looked up again whether its session or key still holds."""

EXAMPLE = 'event: changed\nid: 5f1c\ndata: {"topics": {"alerts": "9d2e", "mentions": "07b1"}}\n\n'


@router.get(
    "/api/v1/events",
    summary="Follow changes",
    response_class=StreamingResponse,
    responses={
        200: {
            "content": {"text/event-stream": {"example": EXAMPLE}},
            "description": "`changed` events. Data: by topic (alerts, mentions, deliveries, silences, health, "
            "promoters, brands) a version, which moves when what it is about looks different. Only topics of which the "
            "caller may read something; a version is one for all brands.",
        }
    },
)
async def events(request: Request, installed: Installed, asking: Annotated[Caller, needs(None)]) -> StreamingResponse:
    """Server-sent events: one `changed` at once, and one whenever a topic's version moves. They say nothing of what has
    changed: ask for that. The stream ends when the session or key behind it does."""
    live = cast(Live, request.app.state.live)
    return StreamingResponse(
        _changes(live, installed, request, asking),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _changes(live: Live, installed: Installation, request: Request, asking: Caller) -> AsyncIterator[str]:
    told, silent_since, known_at = None, clock.monotonic(), clock.monotonic()
    # The server cancels this when the reader goes away.
    with live.followed() as moved:
        while not live.over:
            now = clock.monotonic()
            if now - known_at >= KNOWN_FOR_S:
                if (known := await asyncio.to_thread(_known, installed, request, asking)) is None:
                    return
                asking, known_at = known, now
            versions = _theirs(live.versions, asking)
            if versions is not None and versions != told:
                told, silent_since = versions, now
                data = json.dumps({"topics": versions})
                yield f"event: changed\nid: {'.'.join(versions.values())}\ndata: {data}\n\n"
            elif now - silent_since >= KEEPALIVE_S:
                silent_since = now
                yield ": still here\n\n"
            try:
                await asyncio.wait_for(moved.wait(), KEEPALIVE_S)
            except TimeoutError:
                continue
            moved.clear()


def _theirs(versions: Versions | None, asking: Caller) -> Versions | None:
    """The topics of which they may read something."""
    if versions is None:
        return None
    return {topic: version for topic, version in versions.items() if asking.ever(TOPICS[topic])}


def _known(installed: Installation, request: Request, asking: Caller) -> Caller | None:
    """Whoever follows, as they are now; None = no longer let in."""
    now = clock.now()
    with installed.store.reading() as session:
        if asking.key_id is None:
            found = callers.by_session(session, session_token(request) or "", now)
        else:
            key = request.headers.get("authorization", "").partition(" ")[2].strip()
            found = callers.by_key(session, key, now)
    return found[0] if found else None
