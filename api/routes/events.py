"""The event stream that keeps open pages up to date."""

import asyncio
import json
from collections.abc import AsyncIterator
from threading import Event
from typing import cast

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from api.access import needs
from api.dashboard.live import FRESH_S, Live

router = APIRouter(tags=["events"], dependencies=[needs(None)])

KEEPALIVE_S = 15.0
"""Proxies close streams that say nothing for long."""


@router.get(
    "/api/v1/events",
    summary="Follow changes",
    response_class=StreamingResponse,
    responses={
        200: {"content": {"text/event-stream": {}}, "description": "`changed` events; data: the totals as JSON."}
    },
)
async def events(request: Request) -> StreamingResponse:
    """Server-sent events: one `changed` at once, and one whenever mentions, scores, alerts or deliveries change."""
    live, stop = cast(Live, request.app.state.live), cast(Event, request.app.state.stop)
    return StreamingResponse(
        _changes(live, stop),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _changes(live: Live, stop: Event) -> AsyncIterator[str]:
    version, silent = "", 0.0
    # The server cancels this when the reader goes away.
    while not stop.is_set():
        state = await run_in_threadpool(live.state)
        if state.version != version:
            version, silent = state.version, 0.0
            topics = dict.fromkeys(("alerts", "mentions", "deliveries", "silences", "health"), version)
            yield f"event: changed\nid: {version}\ndata: {json.dumps({'topics': topics})}\n\n"
        elif silent >= KEEPALIVE_S:
            silent = 0.0
            yield ": still here\n\n"
        await asyncio.sleep(FRESH_S)
        silent += FRESH_S
