"""The stages put together for a process that works: collect, score, alert, decide, and deliver for each channel."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from threading import Event
from typing import Any

import structlog
from sqlmodel import Session

from alerts.channel import Channel
from alerts.policy import Policy
from alerts.wording import counted
from listener import breaker
from listener.breaker import Breaker
from listener.config import ConfigError, with_secrets
from listener.jobs.alert import end_quiet, judge_batch
from listener.jobs.answers import Noticing
from listener.jobs.collect import TakenOver, collect
from listener.jobs.decide import decide_batch
from listener.jobs.deliver import Pacing, deliver_next
from listener.jobs.digest import Digests, send_due
from listener.jobs.gaps import fill_next
from listener.jobs.interact import interact_next
from listener.jobs.ledger import count_failure
from listener.jobs.recheck import recheck_next
from listener.jobs.retag import retag_next
from listener.jobs.retain import retain_next
from listener.jobs.score import score_batch
from listener.jobs.windows import evaluate_due
from listener.open_source import OpenSource
from listener.queue import Work, WorkQueue
from listener.quota import QuotaSpent
from listener.registry import build, demands
from listener.source import CursorExpired, FatalSourceError, Limit, Meter, RetriableSourceError, Source, SourceError
from listener.store import brands, breakers, read
from listener.store.engine import Store
from listener.store.tables import Source as SourceRow
from listener.tools import Tools
from listener.worker import Crew, Stage
from sentiment.scorer import Scorer

log = structlog.get_logger()

COLLECTORS = 32
"""The most sources that are read at once, each in a thread that is started when it is needed: so many may hang until
their timeout and hold up no other. The store has a connection for each of them (``POOL``)."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """All that the stages need; close it at the end.

    ``clock`` gives the current time in UTC; ``secrets`` is where options ending in ``_from`` are looked up, as a rule
    the environment. ``stop``: once set, a source is read no further than the page under way; hand it to the Worker.
    ``jitter``: anything from 0 to 1, so that sources which failed together do not come back together. ``sparing``:
    tools whose meters leave a part of every quota and purse alone, for what must not starve the runs that follow the
    present; None = as all the rest. ``following``: the like for those runs themselves, of the kinds that demand
    look-ups: what they leave, look-ups that must not wait may use. ``policy``: who is told of what.
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
    jitter: breaker.Jitter = random.random
    sparing: Tools | None = None
    following: Tools | None = None
    policy: Policy = field(default_factory=Policy)

    def close(self) -> None:
        """Give back the connections to platforms; the store stays open."""
        self.tools.http.close()

    def source(self, source_id: int) -> Source:
        """The source behind a stored row. Raises as ``open_source`` does."""
        return self.open_source(source_id).source

    def open_source(self, source_id: int, *, sparing: bool = False) -> OpenSource:
        """The source behind a stored row, with its meters. Raises FatalSourceError, after noting it at the source,
        where none can be made of it."""
        with self.store.reading() as session:
            row = session.get_one(SourceRow, source_id)
        try:
            return self.opened(row.kind, row.options, sparing=sparing)
        except FatalSourceError as error:
            with self.store.transaction() as session:
                count_failure(session, source_id, self.clock(), str(error))
                brands.note_run(session, source_id, self.clock(), error=str(error), stopped=True)
            raise

    def build_source(self, kind: str, options: Mapping[str, Any]) -> Source:
        """A source ready to fetch. Raises FatalSourceError for an unknown kind, options or secrets."""
        return self.opened(kind, options).source

    def opened(self, kind: str, options: Mapping[str, Any], *, sparing: bool = False) -> OpenSource:
        """The same with its meters. Raises as ``build_source`` does."""
        following = self.following if kind in demands() else None
        return self._open(kind, options, self.sparing if sparing else following)

    def _open(self, kind: str, options: Mapping[str, Any], tools: Tools | None) -> OpenSource:
        tools = tools or self.tools
        meters: list[Meter] = []

        def meter(account: str, limits: Sequence[Limit], day_cap: Decimal | None) -> Meter:
            meters.append(tools.meter(account, limits, day_cap))
            return meters[-1]

        try:
            source = build(kind, with_secrets(options, self.secrets), replace(tools, meter=meter))
        except ConfigError as error:
            raise FatalSourceError(str(error)) from error
        return OpenSource(source, meters)

    def collecting(self) -> dict[str, Stage]:
        """Take collect tasks from the queue, many at a time, so that a source that hangs holds up no other; and, apart
        from them, fill gaps, look up again what may be gone, and let go of what may not be kept."""
        return {
            "collect": Crew(self._claim, self._collect, COLLECTORS),
            "gaps": self._fill_next,
            "recheck": lambda: recheck_next(self.store, self._look_up, self.clock, self._keep_on, demands()),
            "retain": lambda: retain_next(self.store, self.clock, self._keep_on),
        }

    def after_collecting(self, scorer: Scorer) -> dict[str, Stage]:
        """Score, tell themes again, alert, decide and deliver."""
        noticing = Noticing(self.store)
        stages: dict[str, Stage] = {
            "score": lambda: score_batch(self.store, scorer, self.clock),
            "retag": lambda: retag_next(self.store, self.clock),
            "alert": self.judge,
            "windows": lambda: evaluate_due(self.store, self.clock(), alerting=self.policy.alerts),
            "answers": lambda: noticing(self.clock()),
            "decide": self.decide,
            "digests": self.digests,
            "interact": lambda: interact_next(self.store, self.channels, self.policy, self.clock),
        }
        for name, channel in self.channels.items():
            stages[f"deliver-{name}"] = self._delivering(channel, self.pacing.get(name, Pacing()))
        return stages

    def judge(self) -> int:
        """End incidents that are over and judge a batch of every brand that has one; how many there were of both."""
        now = self.clock()
        # First, because judging raises where a brand cannot be judged.
        return end_quiet(self.store, now) + judge_batch(self.store, now)

    def decide(self) -> int:
        """Decide upon the incidents whose time has come; how many."""
        edits = {name: channel.edits for name, channel in self.channels.items()}
        return decide_batch(self.store, self.policy, edits, self.public_url, self.clock())

    def digests(self) -> int:
        """Put the digests that are due into the outbox; how many messages."""
        return send_due(Digests(self.store, self.policy, tuple(self.channels), self.public_url), self.clock())

    def pending(self) -> read.Pending:
        """What score, alert, decide and deliver still have to do."""
        with self.store.reading() as session:
            return read.pending(session, tuple(self.channels), self.clock())

    def _delivering(self, channel: Channel, pacing: Pacing) -> Stage:
        def stage() -> int:
            tried = deliver_next(self.store, channel, self.clock, pacing)
            if tried:
                # The channel is not free before its pace is over: looked at sooner, it would cost a whole idle poll.
                self.stop.wait(pacing.pace.total_seconds())
            return int(tried)

        return stage

    def _keep_on(self) -> bool:
        return not self.stop.is_set()

    def _look_up(self, kind: str, options: Mapping[str, Any], *, urgent: bool) -> OpenSource:
        return self._open(kind, options, self.tools if urgent else self.sparing)

    def _fill_next(self) -> int:
        return fill_next(
            self.store, lambda source_id: self.open_source(source_id, sparing=True), self.clock, self._keep_on,
            self.jitter,
        )  # fmt: skip

    def _claim(self) -> Work | None:
        return next(iter(self.queue.claim(self.clock())), None)

    def _collect(self, work: Work) -> None:
        source_id = int(work.payload["source_id"])
        with self.store.reading() as session:
            row = session.get_one(SourceRow, source_id)
            before = breakers.breaker_of(session, source_id)
        if not row.active:
            # Switched off while it waited for its next try.
            self.queue.ack(work)
            return
        if before is not None and before.state(self.clock()) == "open":
            # Its process died between noting this and giving the task back.
            self.queue.nack(work, before.again_at)
            return
        opened: OpenSource | None = None
        try:
            opened = self.open_source(source_id)
            result = collect(
                self.store, source_id, opened.source, self.clock,
                keep_on=lambda: not self.stop.is_set(), hold=lambda session: self._hold(session, work),
            )  # fmt: skip
        except FatalSourceError as error:
            self._after_refusal(work, row, before, error)
        except TakenOver as error:
            log.warning("source_taken_over", task=work.key, error=str(error))
        except (RetriableSourceError, CursorExpired) as error:
            if opened is not None:
                opened.heed(error)
            self._after_failure(work, source_id, before, error)
        else:
            if result.finished:
                self.queue.ack(work)
            else:
                self.queue.nack(work, self.clock())

    def _after_failure(self, work: Work, source_id: int, before: Breaker | None, error: SourceError) -> None:
        now = self.clock()
        if isinstance(error, QuotaSpent):
            after = breaker.held(before, now, str(error), self.jitter, retry_after=error.retry_after or 0.0)
        else:
            asked = getattr(error, "retry_after", None)
            after = breaker.failed(before, now, str(error), self.jitter, retry_after=asked)
        with self.store.transaction() as session:
            breakers.save_breaker(session, source_id, after)
        wait = after.again_at - now
        log.warning(
            "source_again", task=work.key, error=str(error), in_s=round(wait.total_seconds()), breaker=after.state(now)
        )
        self.queue.nack(work, after.again_at)

    def _after_refusal(self, work: Work, row: SourceRow, before: Breaker | None, error: FatalSourceError) -> None:
        """Stop the source until a person has acted, unless it may pass."""
        assert row.id is not None
        now = self.clock()
        after = None
        if error.may_pass and row.last_success_at is not None:
            after = breaker.refused(before, now, str(error))
        with self.store.transaction() as session:
            # The source goes before its breaker, as everywhere: whoever ends a run well takes them in this order.
            if after is not None:
                brands.note_run(session, row.id, now, error=after.words)
                breakers.save_breaker(session, row.id, after)
            else:
                if error.may_pass and before is not None and before.refusals:
                    tried = f"{error}; it has been tried again {counted(before.refusals, 'time')}"
                    brands.note_run(session, row.id, now, error=tried, stopped=True)
                breakers.close_breaker(session, row.id, work.key, now)
        if after is None:
            log.error("source_stopped", task=work.key, error=str(error))
            self.queue.ack(work)
        else:
            log.warning("source_refused", task=work.key, error=str(error), again_at=after.again_at.isoformat())
            self.queue.nack(work, after.again_at)

    def _hold(self, session: Session, work: Work) -> None:
        """In the transaction of what is kept, so that a worker which was too slow keeps nothing."""
        if not self.queue.hold(session, work, self.clock()):
            raise TakenOver("another worker took this source over; it goes on from the last kept page")
