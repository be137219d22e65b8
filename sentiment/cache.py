"""Scores of texts that come again: a repost is judged once.

What is kept is what the network said (its probabilities) under a digest of what it read: token ids, so texts that
normalise alike are one, the model's name and its revision. The label and the rest of a score follow from these anew
each time, so a score from here is exactly the score that judging would have given.
"""

from array import array
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Protocol

Key = bytes
Chances = bytes  # packed probabilities; what is in them is the scorer's business


class ScoreCache(Protocol):
    """A place for chances that outlives the process. It may forget anything at any time."""

    def get_many(self, revision: str, keys: Sequence[Key]) -> Mapping[Key, Chances]:
        """What it has under these keys, which are all different."""

    def put_many(self, revision: str, chances: Mapping[Key, Chances]) -> None:
        """Keep these."""


def key_of(model: str, revision: str, rows: Iterable[tuple[Sequence[int], Sequence[int]]]) -> Key:
    """16 bytes that stand for all a model reads of one text: the (token ids, segments) of its windows, in order."""
    digest = blake2b(f"{model}\0{revision}".encode(), digest_size=16)
    for ids, segments in rows:
        digest.update(array("q", (len(ids), *ids, *segments)).tobytes())
    return digest.digest()


class Cache:
    """The chances of the `size` texts seen last, in memory; and in `stored` those that were seen more than once.

    Most texts come once. Keeping each of them would cost a write and never be read; one that came twice may come a
    hundred times, to other processes and after the next start too. Size 0 keeps nothing in memory: then only what
    repeats within one call is stored.
    """

    def __init__(self, revision: str, size: int, stored: ScoreCache | None = None) -> None:
        self._revision, self._size, self._stored = revision, size, stored
        self._recent: OrderedDict[Key, tuple[Chances, bool]] = OrderedDict()  # and whether they are stored

    def through(self, keys: Sequence[Key], judge: Callable[[list[int]], Sequence[Chances]]) -> list[Chances]:
        """The chances for each key. `judge` is given the places in `keys` of those not known, each different key once,
        and returns theirs in that order."""
        places: dict[Key, int] = {}
        for place, key in enumerate(keys):
            places.setdefault(key, place)
        remembered = {key: self._recent[key] for key in places if key in self._recent}
        kept = self._look_up([key for key in places if key not in remembered])
        known = {key: chances for key, (chances, _) in remembered.items()} | kept
        wanted = [place for key, place in places.items() if key not in known]
        if wanted:
            judged = judge(wanted)
            known |= {keys[place]: chances for place, chances in zip(wanted, judged, strict=True)}
        often = Counter(keys)
        stored = {*kept, *(key for key, (_, settled) in remembered.items() if settled)}
        again = {key for key in places if key not in stored and (often[key] > 1 or key in remembered)}
        if self._stored and again:
            self._stored.put_many(self._revision, {key: known[key] for key in again})
            stored |= again
        self._remember(known, stored)
        return [known[key] for key in keys]

    def _look_up(self, keys: Sequence[Key]) -> dict[Key, Chances]:
        return dict(self._stored.get_many(self._revision, keys)) if self._stored and keys else {}

    def _remember(self, known: Mapping[Key, Chances], stored: set[Key]) -> None:
        for key, chances in known.items():
            self._recent[key] = chances, key in stored
            self._recent.move_to_end(key)
        while len(self._recent) > self._size:
            self._recent.popitem(last=False)
