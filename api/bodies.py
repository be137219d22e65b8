"""How large a request may be: nobody fills the memory of the process that everybody's pages come from."""

from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import problems

LARGEST = 2 * 2**20
"""Bytes: a text of a million letters in a form, percent-encoded where it must be."""

_OWN_LIMIT = ("/api/v1/ingest", "/api/v1/slack/")
"""They bound what is read of all bodies together, too."""

TOO_LARGE = f"send at most {LARGEST // 2**20} MiB in one request"


class BodyLimit:
    """Refuses with 413 what is larger: at once where the request says how long it is, else as soon as it is seen."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(_OWN_LIMIT):
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isascii() and declared.isdigit() and (len(declared) > 12 or int(declared) > LARGEST):
            refused = problems.response(413, TOO_LARGE, scope["path"], headers={"Connection": "close"})
            await refused(scope, receive, send)
            return
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > LARGEST:
                raise HTTPException(413, TOO_LARGE, {"Connection": "close"})
            return message

        await self._app(scope, counted, send)
