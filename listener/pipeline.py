"""The stages put together for a process that works: collect, score, alert, and deliver for each channel."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event
from typing import Any

import structlog

from alerts.channel import Channel
from listener.config import ConfigError, with_secrets
from listener.jobs.alert import judge_batch
from listener.jobs.collect import collect
from listener.jobs.deliver import Pacing, deliver_next
from listener.jobs.gaps import fill_next
from listener.jobs.ledger import count_failure
from listener.jobs.score import score_batch
from listener.queue import Work, WorkQueue
from listener.registry import build
from listener.source import CursorExpired, FatalSourceError, RetriableSourceError, Source
from listener.store import brands, read
from listener.store.engine import Store
from listener.store.tables import Source as SourceRow
from listener.tools import Tools
from listener.worker import Stage
from sentiment.scorer import Scorer

log = structlog.get_logger()

COLLECTORS = 4
"""Threads that read sources, so that a slow one does not hold up the rest."""

FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """All that the stages need; close it at the end.

    ``clock`` gives the current time in UTC; ``secrets`` is where options ending in ``_from`` are looked up, as a rule
    the environment. ``stop``: once set, a source is read no further than the page under way; hand it to the Worker.
    """

    store: Store
    queue: WorkQueue
    channels: Mapping[str, Channel]
    pacing: Mapping[str, Pacing]
    tools: Tools
    secrets: Mapping[str, str]
    public_url: str
    clock: Callable[[], datetime]
    stop: Event = field(default_factory=Event)

    def close(self) -> None:
        """Give back the connections to platforms; the store stays open."""
        self.tools.http.close()

    def source(self, source_id: int) -> Source:
        """The source behind a stored row. Raises FatalSourceError, after noting it at the source, where none can be
        made of it."""
        with self.store.reading() as session:
            row = session.get_one(SourceRow, source_id)
        try:
            return self.build_source(row.kind, row.options)
        except FatalSourceError as error:
            with self.store.transaction() as session:
                count_failure(session, source_id, self.clock(), str(error))
                brands.note_run(session, source_id, self.clock(), error=str(error), stopped=True)
            raise

    def build_source(self, kind: str, options: Mapping[str, Any]) -> Source:
        """A source ready to fetch. Raises FatalSourceError for an unknown kind, options or secrets."""
        try:
            return build(kind, with_secrets(options, self.secrets), self.tools)
        except ConfigError as error:
            raise FatalSourceError(str(error)) from error

    def collecting(self) -> dict[str, Stage]:
        """Take collect tasks from the queue, several at a time; and, apart from them, fill gaps."""
        stages: dict[str, Stage] = {f"collect-{number}": self._collect_next for number in range(1, COLLECTORS + 1)}
        return stages | {"gaps": self._fill_next}

    def after_collecting(self, scorer: Scorer) -> dict[str, Stage]:
        """Score, alert and deliver."""
        stages: dict[str, Stage] = {
            "score": lambda: score_batch(self.store, scorer, self.clock),
            "alert": self.judge,
        }
        for name, channel in self.channels.items():
            stages[f"deliver-{name}"] = self._delivering(channel, self.pacing.get(name, Pacing()))
        return stages

    def judge(self) -> int:
        """Judge a batch of every brand that has one; how many mentions."""
        return judge_batch(self.store, tuple(self.channels), self.public_url, self.clock())

    def pending(self) -> read.Pending:
        """What score, alert and deliver still have to do."""
        with self.store.reading() as session:
            return read.pending(session, tuple(self.channels))

    def _delivering(self, channel: Channel, pacing: Pacing) -> Stage:
        def stage() -> int:
            tried = deliver_next(self.store, channel, self.clock, pacing)
            if tried:
                # The channel is not free before its pace is over: looked at sooner, it would cost a whole idle poll.
                self.stop.wait(pacing.pace.total_seconds())
            return int(tried)

        return stage

    def _fill_next(self) -> int:
        return fill_next(self.store, self.source, self.clock, lambda: not self.stop.is_set())

    def _collect_next(self) -> int:
        claimed = self.queue.claim(self.clock())
        for work in claimed:
            self._collect(work)
        return len(claimed)

    def _collect(self, work: Work) -> None:
        source_id = int(work.payload["source_id"])
        with self.store.reading() as session:
            active = session.get_one(SourceRow, source_id).active
        if not active:
            # Switched off while it waited for its next try.
            self.queue.ack(work)
            return
        try:
            result = collect(
                self.store, source_id, self.source(source_id), self.clock,
                on_page=lambda _page: self._keep(work), keep_on=lambda: not self.stop.is_set(),
            )  # fmt: skip
        except FatalSourceError as error:
            log.error("source_stopped", task=work.key, error=str(error))  # noqa: TRY400 - a person acts on the message
            self.queue.ack(work)
            return
        except (RetriableSourceError, CursorExpired) as error:
            asked = getattr(error, "retry_after", None)
            wait = (
                timedelta(seconds=asked)
                if asked is not None
                else min(FIRST_WAIT * 2 ** min(work.attempts - 1, 10), LONGEST_WAIT)
            )
            log.warning("source_again", task=work.key, error=str(error), in_s=round(wait.total_seconds()))
            self.queue.nack(work, self.clock() + wait)
            return
        if result.finished:
            self.queue.ack(work)
        else:
            self.queue.nack(work, self.clock())

    def _keep(self, work: Work) -> None:
        if not self.queue.extend(work, self.clock()):
            raise RetriableSourceError("another worker took this source over; it goes on from the last kept page")
