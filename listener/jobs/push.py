"""Push: what another system sends, stored with its receipt in one transaction, so that no answer promises too much."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

import structlog
from sqlmodel import Session

from listener.matching import Matcher
from listener.push.batch import Batch
from listener.push.schema import Entry, Passed, Refused
from listener.store import brands as brand_store
from listener.store import deletion, edits, intake
from listener.store import push as receipts
from listener.store.engine import Store
from listener.store.tables import Brand, Source
from listener.store.turns import alone

log = structlog.get_logger()

GONE = "was deleted here before and is not taken again"
NOT_YOURS = "nothing that this sender sent is stored under this id"


class NobodyListens(Exception):
    """No brand is listened for here, so whatever was sent would be passed over and lost: the sender must come again."""


class NoSuchSender(Exception):
    """The sender is not set up in the database: escucha.yml was changed after this process had read it."""


@dataclass(frozen=True, slots=True)
class Key:
    """What a sender calls its request: the same key and the same ``fingerprint`` are the same request."""

    name: str
    fingerprint: bytes


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
    _matchers: dict[int, tuple[object, Matcher]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def receive(self, name: str, batch: Batch, *, key: Key | None = None, atomic: bool = False) -> Answer:
        """Store a batch of the sender of that name, all that is good of it or nothing.

        ``atomic``: nothing unless all of it is good. Raises NobodyListens, NoSuchSender, and what the database raises
        when it is busy or gone; nothing is stored then, and the key is free.
        """
        with self.store.reading() as session:
            source = brand_store.source_named(session, name)
        if source is None or source.id is None or source.kind != receipts.PUSH:
            raise NoSuchSender(name)
        if key is None:
            return self._store(source, batch, None, atomic=atomic)
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
            answer = self._store(source, batch, key, atomic=atomic)
            return answer
        finally:
            if answer is None or answer.status != 200:
                with self.store.transaction() as session:
                    receipts.release(session, source.id, key.name)

    def _store(self, source: Source, batch: Batch, key: Key | None, *, atomic: bool) -> Answer:
        assert source.id is not None
        refused = [entry for entry in batch.entries if isinstance(entry, Refused)]
        if atomic and refused:
            return Answer(
                422, _problem("some items are refused, so none was taken", items=[_refused(one) for one in refused])
            )
        now = self.clock()
        with self.store.reading() as session:
            matcher = self._matcher(session, source)
        # Before the transaction, so that nobody waits for this.
        matches = {
            entry.number: matcher.match(entry.item)
            for entry in batch.entries
            if isinstance(entry, Entry) and not entry.deleted
        }
        with self.store.transaction() as session:
            receipts.hurry(session)
            results = _take(session, source.id, batch, matches, now)
            brand_store.note_run(session, source.id, now)
            statuses = Counter(result["status"] for result in results)
            body = json.dumps({"received": len(results), **statuses, "items": results}, ensure_ascii=False)
            if key is not None:
                receipts.finish(session, source.id, key.name, body)
        log.info("received", source=source.name, **statuses)
        for one in refused:
            log.warning("item_refused", source=source.name, where=one.pointer, why=one.why)
        return Answer(200, body)

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


def _take(
    session: Session, source_id: int, batch: Batch, matches: Mapping[int, intake.Matched | None], now: datetime
) -> list[dict[str, Any]]:
    """Store a batch, whose items are about the brands in ``matches`` (by number); what became of each, in order."""
    entries = [entry for entry in batch.entries if isinstance(entry, Entry)]
    said = [entry for entry in entries if not entry.deleted]
    # Before anything is looked at, so that of two who send the same only one is told that it was new.
    alone(session)
    keys = sorted({_key(entry) for entry in entries})
    before = edits.stored(session, keys)
    intake.take_page(session, source_id, [match for match in matches.values() if match is not None], now)
    unmatched = [entry.item for entry in said if matches[entry.number] is None]
    intake.take_unmatched(session, source_id, unmatched, now)
    after = edits.stored(session, keys)
    receipts.keep_declared(
        session,
        {after[key].id: entry.declared for entry in said if (key := _key(entry)) in after and entry.declared
         and after[key].source_id == source_id and after[key].deleted_at is None},
    )  # fmt: skip
    results: list[dict[str, Any]] = []
    told: set[intake.Key] = set()
    for read in batch.entries:
        if isinstance(read, Refused):
            results.append(_refused(read))
        elif isinstance(read, Passed):
            results.append({"status": "ignored"})
        elif read.deleted:
            results.append(_delete(session, source_id, read, after, now))
        else:
            status = _status(read, before, after, source_id, matched=matches[read.number] is not None)
            if _key(read) in told and status["status"] in ("stored", "edited"):
                status = {"status": "known"}
            told.add(_key(read))
            results.append({"id": read.item.native_id, **status})
    return results


def _status(
    entry: Entry, before: Mapping[intake.Key, Any], after: Mapping[intake.Key, Any], source_id: int, *, matched: bool
) -> dict[str, Any]:
    key = _key(entry)
    if key not in after:
        # What is about a brand and still not there stood before a tombstone.
        return (
            {"status": "refused", "pointer": f"/items/{entry.number}", "why": GONE}
            if matched
            else {"status": "unmatched"}
        )
    if key not in before:
        return {"status": "stored"}
    if before[key].deleted_at is not None:
        return {"status": "refused", "pointer": f"/items/{entry.number}", "why": GONE}
    edited = edits.change(before[key], entry.item, source_id) is edits.Change.EDITED
    return {"status": "edited" if edited else "known"}


def _delete(
    session: Session, source_id: int, entry: Entry, stored: Mapping[intake.Key, Any], now: datetime
) -> dict[str, Any]:
    key = _key(entry)
    row = stored.get(key)
    if row is None or row.source_id != source_id:
        # Not "refused": a sender that tells of every deletion cannot know what was about a brand.
        return {"id": entry.item.native_id, "status": "unmatched", "why": NOT_YOURS}
    deletion.blank(session, [row.id], "deleted by its sender", now)
    return {"id": entry.item.native_id, "status": "deleted"}


def _key(entry: Entry) -> intake.Key:
    return entry.item.kind, entry.item.native_id


def _refused(one: Refused) -> dict[str, Any]:
    known = {} if one.id is None else {"id": one.id}
    return {**known, "status": "refused", "pointer": one.pointer, "why": one.why}


def _problem(detail: str, **more: Any) -> str:
    return json.dumps({"detail": detail, **more}, ensure_ascii=False)
