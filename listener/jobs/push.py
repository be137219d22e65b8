"""Push: what another system sends, stored with its receipt in one transaction, so that no answer promises too much."""

import json
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

import structlog
from sqlmodel import Session

from listener.jobs.push_items import Taking, refusal
from listener.matching import Matcher
from listener.push.batch import Batch, Stopping
from listener.push.schema import Entry, Refused
from listener.store import brands as brand_store
from listener.store import intake
from listener.store import push as receipts
from listener.store.engine import Store
from listener.store.tables import Brand, Source

log = structlog.get_logger()


class NobodyListens(Exception):
    """No brand is listened for here, so whatever was sent would be passed over and lost: the sender must come again."""


class NoSuchSender(Exception):
    """The sender is not set up in the database: escucha.yml was changed after this process had read it."""


class _NotWhole(Exception):
    """Some items of a request that is to be taken as a whole are refused."""

    def __init__(self, refused: Sequence[Mapping[str, Any]]) -> None:
        super().__init__()
        self.refused = refused


@dataclass(frozen=True, slots=True)
class Key:
    """What a sender calls its request: the same key and the same ``fingerprint`` are the same request.

    ``of_body``: not the sender but the body itself names it, so that a copy of it does nothing; a request that changed
    nothing needs no such receipt.
    """

    name: str
    fingerprint: bytes
    of_body: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request came to. ``body`` is JSON text. ``replayed``: it was done before, and this is what it came to."""

    status: int
    body: str
    replayed: bool = False
    retry_after: timedelta | None = None


@dataclass(slots=True)
class Receiver:
    """Takes what is sent; one for a process."""

    store: Store
    clock: Callable[[], datetime]
    keep_on: Callable[[], bool] = lambda: True
    _matchers: dict[int, tuple[object, Matcher]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def receive(
        self, name: str, batch: Batch, *, key: Key | None = None, atomic: bool = False, own_kinds: Collection[str] = ()
    ) -> Answer:
        """Store a batch of the sender of that name, all that is good of it or nothing.

        ``atomic``: nothing unless all of it is good. ``own_kinds``: the platforms of which nobody else tells anything:
        of these, what is deleted before it came is not taken later. Raises NobodyListens, NoSuchSender, Stopping, and
        what the database raises when it is busy or gone; nothing is stored then, and the key is free.
        """
        with self.store.reading() as session:
            source = brand_store.source_named(session, name)
        if source is None or source.id is None or source.kind != receipts.PUSH:
            raise NoSuchSender(name)
        if key is None:
            return self._store(source, batch, None, own_kinds, atomic=atomic)
        with self.store.transaction() as session:
            receipts.hurry(session)
            claim = receipts.claim(session, source.id, key.name, key.fingerprint, self.clock())
        if claim.answer is not None:
            return Answer(200, claim.answer, replayed=True)
        if claim.other:
            return Answer(422, _problem("this Idempotency-Key was used for another request; use a new one"))
        if claim.wait is not None:
            words = "the same request is being worked on; come again for its answer"
            return Answer(409, _problem(words), retry_after=claim.wait)
        answer = None
        try:
            answer = self._store(source, batch, key, own_kinds, atomic=atomic)
            return answer
        finally:
            # Releases nothing that has an answer.
            if answer is None or answer.status != 200 or key.of_body:
                with self.store.transaction() as session:
                    receipts.release(session, source.id, key.name)

    def _store(
        self, source: Source, batch: Batch, key: Key | None, own_kinds: Collection[str], *, atomic: bool
    ) -> Answer:
        assert source.id is not None
        refused = [entry for entry in batch.entries if isinstance(entry, Refused)]
        if atomic and refused:
            return _not_whole([refusal(one) for one in refused])
        now = self.clock()
        # Before the transaction, so that nobody waits for this.
        matches = self._matches(source, batch)
        try:
            with self.store.transaction() as session:
                receipts.hurry(session)
                results = Taking(session, source.id, batch, matches, own_kinds, now).results()
                if atomic:
                    _whole(results)
                brand_store.note_run(session, source.id, now)
                statuses = Counter(result["status"] for result in results)
                body = json.dumps({"received": len(results), **statuses, "items": results}, ensure_ascii=False)
                if key is not None and (not key.of_body or not statuses.keys().isdisjoint(_DONE)):
                    receipts.finish(session, source.id, key.name, body)
        except _NotWhole as error:
            return _not_whole(error.refused)
        log.info("received", source=source.name, **statuses)
        for one in refused:
            log.warning("item_refused", source=source.name, where=one.pointer, why=one.why)
        return Answer(200, body)

    def _matches(self, source: Source, batch: Batch) -> dict[int, intake.Matched | None]:
        """The brands that each item is about, by its number."""
        said = [entry for entry in batch.entries if isinstance(entry, Entry) and not entry.deleted]
        if not said:
            # Deletions are heeded whether or not anybody listens.
            return {}
        with self.store.reading() as session:
            matcher = self._matcher(session, source)
        matches: dict[int, intake.Matched | None] = {}
        for entry in said:
            if not self.keep_on():
                raise Stopping
            matches[entry.number] = matcher.match(entry.item)
        return matches

    def _matcher(self, session: Session, source: Source) -> Matcher:
        assert source.id is not None
        listened = [
            brand
            for brand in brand_store.active_brands(session)
            if source.brands is None or brand.name in source.brands
        ]
        if not listened:
            raise NobodyListens
        state = (source.about_brands, [(brand.id, brand.name, brand.query) for brand in listened])
        with self._lock:
            known = self._matchers.get(source.id)
            if known is None or known[0] != state:
                # Queries are compiled once and not for every ticket.
                known = self._matchers[source.id] = (state, _matcher(listened, source))
        return known[1]


def _matcher(brands: Sequence[Brand], source: Source) -> Matcher:
    return Matcher(brands, about_brands=source.about_brands, source=source.name)


_DONE = ("stored", "known", "edited", "deleted")


def _whole(results: Sequence[Mapping[str, Any]]) -> None:
    if lacking := [one for one in results if one["status"] == "refused"]:
        raise _NotWhole(lacking)


def _not_whole(refused: Sequence[Mapping[str, Any]]) -> Answer:
    return Answer(422, _problem("some items are refused, so none was taken", items=refused))


def _problem(detail: str, **more: Any) -> str:
    return json.dumps({"detail": detail, **more}, ensure_ascii=False)
