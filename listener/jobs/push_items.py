"""What becomes of each item that was pushed: stored, edited, deleted or not, and what its sender is told of it."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlmodel import Session

from listener.push.batch import Batch
from listener.push.schema import Entry, Passed, Read, Refused
from listener.store import deletion, edits, intake
from listener.store import push as receipts
from listener.store.locks import alone

GONE = "was deleted here before and is not taken again"
NOT_YOURS = "nothing that this sender sent is stored under this id"
NOT_YET = "nothing is stored under this id; it is not taken if it comes later"
SENT_TWICE = "another item of this request has the same id, and that one is taken"
ANOTHERS = "another source told this first, and what that one said is kept"
OLDER = "what is stored is a later text"

BY_ITS_SENDER = "deleted by its sender"


class Taking:
    """One batch, taken in its transaction: of each id its last state, and what is told of every item follows from that.

    ``matches``: the brands that items are about, by number.
    """

    def __init__(
        self, session: Session, source_id: int, batch: Batch, matches: Mapping[int, intake.Matched | None],
        own_kinds: Collection[str], now: datetime,
    ) -> None:  # fmt: skip
        self._session, self._source_id, self._batch, self._now = session, source_id, batch, now
        self._matches, self._own_kinds = matches, own_kinds
        entries = [entry for entry in batch.entries if isinstance(entry, Entry)]
        self._said = [entry for entry in entries if not entry.deleted]
        # Before anything is looked at, so that of two who send the same only one is told that it was new.
        alone(session)
        self._keys = sorted({_key(entry) for entry in entries})
        self._before = edits.stored(session, self._keys)
        # Number of the last deletion of each id.
        self._deletions = {_key(entry): entry.number for entry in entries if entry.deleted}
        self._retold = {
            key for entry in self._said
            if entry.number < self._deletions.get(key := _key(entry), -1) and matches[entry.number] is not None
        }  # fmt: skip
        self._unheard = {key for key in self._deletions if key not in self._before and self._to_remember(key)}
        self._gone = self._unheard | {key for key in self._deletions if self._is_ours(key)}

    def results(self) -> list[dict[str, Any]]:
        """Store it; what became of each item, in order."""
        session, now = self._session, self._now
        last = self._last()
        deletion.blank(session, [self._before[key].id for key in self._gone if key in self._before], BY_ITS_SENDER, now)
        receipts.never_take(session, self._unheard, BY_ITS_SENDER, now)
        told = {key: match for key, entry in last.items() if (match := self._match(entry)) is not None}
        intake.take_page(session, self._source_id, list(told.values()), now)
        unmatched = [entry.item for key, entry in last.items() if key not in told and not self._is_anothers(key)]
        intake.take_unmatched(session, self._source_id, unmatched, now)
        after = edits.stored(session, self._keys)
        self._keep_declared(last, after)
        outcomes = {key: self._outcome(entry, after) for key, entry in last.items()}
        return [self._result(read, last, outcomes) for read in self._batch.entries]

    def _last(self) -> dict[intake.Key, Entry]:
        """What is to be taken of each id: the last edited of several, as ``intake`` has it."""
        found: dict[intake.Key, Entry] = {}
        for entry in self._said:
            key = _key(entry)
            if key in self._gone:
                continue
            earlier = found.get(key)
            if earlier is None or not edits.outdated(entry.item.edited_at, earlier.item.edited_at):
                found[key] = entry
        return found

    def _to_remember(self, key: intake.Key) -> bool:
        """Whether a deletion of what is not stored holds: it is of what this request says itself, or nobody else could
        mean it."""
        return key in self._retold or key[0] in self._own_kinds

    def _is_ours(self, key: intake.Key) -> bool:
        return key in self._before and self._before[key].source_id == self._source_id

    def _is_anothers(self, key: intake.Key) -> bool:
        return key in self._before and self._before[key].source_id != self._source_id

    def _match(self, entry: Entry) -> intake.Matched | None:
        """What ``intake`` is given. What another source told is never changed: it may only be about more brands."""
        match, key = self._matches[entry.number], _key(entry)
        if match is None or not self._is_anothers(key):
            return match
        row = self._before[key]
        if row.deleted_at is not None or row.text != match.item.full_text:
            return None
        unchanged = replace(match.item, author=None, reach=None, engagement={}, edited_at=row.edited_at)
        return replace(match, item=unchanged)

    def _keep_declared(self, last: Mapping[intake.Key, Entry], after: Mapping[intake.Key, Any]) -> None:
        marks = {}
        for key, entry in last.items():
            row = after.get(key)
            ours = row is not None and row.source_id == self._source_id and row.deleted_at is None
            # Of a text that is older than the one we have, the marks are too.
            if entry.declared and row is not None and ours and not edits.outdated(entry.item.edited_at, row.edited_at):
                marks[row.id] = entry.declared
        receipts.keep_declared(self._session, marks)

    def _outcome(self, entry: Entry, after: Mapping[intake.Key, Any]) -> dict[str, Any]:
        key = _key(entry)
        matched = self._matches[entry.number] is not None
        refused = {"status": "refused", "pointer": f"/items/{entry.number}", "why": GONE}
        if key not in after:
            # What is about a brand and still not there stood before a tombstone.
            return refused if matched else {"status": "unmatched"}
        if key not in self._before:
            return {"status": "stored"}
        row = self._before[key]
        if row.deleted_at is not None:
            return refused
        if self._is_anothers(key):
            same = row.text == entry.item.full_text
            return {"status": "known"} if same else {"status": "known", "why": ANOTHERS}
        match edits.change(row, entry.item, self._source_id):
            case edits.Change.EDITED:
                return {"status": "edited"}
            case edits.Change.OUTDATED if row.text != entry.item.full_text:
                return {"status": "known", "why": OLDER}
        return {"status": "known"}

    def _result(
        self, read: Read, last: Mapping[intake.Key, Entry], outcomes: Mapping[intake.Key, Mapping[str, Any]]
    ) -> dict[str, Any]:
        if isinstance(read, Refused):
            return refusal(read)
        if isinstance(read, Passed):
            return {"status": "ignored"}
        key, known = _key(read), {"id": read.item.native_id}
        if read.deleted:
            return known | self._deleted(key)
        if key in self._gone:
            if read.number < self._deletions[key] and not self._was_gone(key):
                about = self._matches[read.number] is not None or key in self._before
                return known | {"status": "deleted" if about else "unmatched"}
            return known | {"status": "refused", "pointer": f"/items/{read.number}", "why": GONE}
        outcome = dict(outcomes[key])
        if last[key] is not read:
            if outcome["status"] in ("stored", "edited", "known"):
                outcome = {"status": "known", "why": SENT_TWICE}
            elif "pointer" in outcome:
                outcome["pointer"] = f"/items/{read.number}"
        return known | outcome

    def _was_gone(self, key: intake.Key) -> bool:
        return key in self._before and self._before[key].deleted_at is not None

    def _deleted(self, key: intake.Key) -> dict[str, Any]:
        # Not "refused": a sender that tells of every deletion cannot know what was about a brand.
        if key not in self._gone:
            return {"status": "unmatched", "why": NOT_YOURS}
        if self._is_ours(key) or key in self._retold:
            return {"status": "deleted"}
        return {"status": "unmatched", "why": NOT_YET}


def refusal(one: Refused) -> dict[str, Any]:
    """What is told of an item that could not be read."""
    known = {} if one.id is None else {"id": one.id}
    return {**known, "status": "refused", "pointer": one.pointer, "why": one.why}


def _key(entry: Entry) -> intake.Key:
    return entry.item.kind, entry.item.native_id
