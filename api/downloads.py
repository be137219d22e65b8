"""Exports on their way to whoever asked: a page of rows at a time, and what became of it in the audit.

No session of the database is open while somebody reads slowly, so that nobody waits for them. A file that was cut off
lacks its last line (``listener.tabular.end``).
"""

import secrets
from collections.abc import Iterator, Mapping
from typing import Any

import structlog
from anyio import CancelScope, to_thread
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from api.wiring import Installation
from listener import clock
from listener.store import audit
from listener.store.engine import Store
from listener.store.exports import Sheet
from listener.tabular import CONTENT_TYPE, Format, end, head, written

log = structlog.get_logger()


class Download(StreamingResponse):
    """A sheet as a file. The audit tells when it began, and how many rows had been handed over when it ended."""

    def __init__(
        self, installed: Installation, sheet: Sheet, kind: Format, actor: str, asked: Mapping[str, Any]
    ) -> None:
        """``asked``: what it was narrowed down to, for the audit. The first page is read here, so that what cannot be
        exported raises before anything is answered (QueryError)."""
        self._store: Store = installed.store
        self._sheet, self._kind, self._actor = sheet, kind, actor
        self._rows, self._complete = 0, False
        with self._store.reading() as session:
            self._first = sheet.page(session, None)
        now = clock.now()
        self._subject = f"export {secrets.token_hex(4)}"
        detail = {"format": kind.value, **asked}
        with self._store.transaction() as session:
            audit.note(session, actor, f"export.{sheet.name}", self._subject, detail, now)
        name = f"escucha-{sheet.name}-{now:%Y%m%d-%H%M}.{kind.value}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
        super().__init__(self._chunks(), headers=headers, media_type=CONTENT_TYPE[kind])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; whether it was read to its end or not, the audit is told."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            with CancelScope(shield=True):
                await to_thread.run_sync(self._note_end)

    def _chunks(self) -> Iterator[bytes]:
        columns = self._sheet.columns
        yield head(self._kind, columns).encode()
        rows, place = self._first
        self._first = ([], None)
        while True:
            if rows:
                yield written(self._kind, columns, rows).encode()
                self._rows += len(rows)
            if place is None:
                break
            with self._store.reading() as session:
                rows, place = self._sheet.page(session, place)
        yield end(self._kind, columns, self._rows).encode()
        self._complete = True

    def _note_end(self) -> None:
        detail = {"rows": self._rows, "complete": self._complete}
        try:
            with self._store.transaction() as session:
                audit.note(session, self._actor, "export.ended", self._subject, detail, clock.now())
        except Exception:
            # Whoever asked has their file; that it began is kept.
            log.exception("how an export ended could not be kept", subject=self._subject, **detail)
