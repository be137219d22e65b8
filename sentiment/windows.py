"""Where a brand stands in a text, and which parts of a long text the model gets to see.

A model reads some hundred tokens. A longer text is not cut at its end: it is read in windows, around the places where
the brand stands or, without a brand, spread over the whole. The work for one text is bounded whatever its length: at
most `MOST_WINDOWS` windows, taken from a few thousand characters around each place.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
Span = tuple[int, int]  # characters [start, end) of a text

MOST_WINDOWS = 8
MOST_SPANS = 64
_WHOLE = 16_000  # characters up to which a text is looked at as a whole
_AROUND = 2_000  # characters looked at on each side of a place in a longer one
_SEARCHED_AT_ONCE = 65_536
_LONGEST_TARGET = 200
_EDGE = 100

# Links whole; scripts that are written without spaces in short runs; anything else without a space, within reason.
UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uff66-\uff9d"
_WORD = re.compile(rf"(?:https?://|www\.)\S+|[{UNSPACED}]{{1,16}}|[^\s{UNSPACED}]{{1,100}}")


def find_spans(text: str, target: str) -> tuple[Span, ...]:
    """Where `target` stands in `text`, also as handle or hashtag, whatever the case and the accents.

    `Virgin America` is found in `@VirginAmerica`, `#virginamerica2015` and `virgin-america`; within another word only
    after @ or #. At most `MOST_SPANS` places, first ones first.
    """
    words = re.findall(r"\w+", _flat(target[:_LONGEST_TARGET]))
    if not words:
        return ()
    name = r"[\W_]{0,3}".join(map(re.escape, words))
    pattern = re.compile(rf"(?<![\w@#])(?:[@#]\w{{0,20}}?{name}\w{{0,20}}|{name}(?!\w))")
    return tuple(islice(_search(pattern, text), MOST_SPANS))


def _search(pattern: re.Pattern[str], text: str) -> Iterator[Span]:
    """Matches in a long text, a stretch at a time: the folded copy stays small."""
    overlap, done = 2 * _LONGEST_TARGET, 0
    for start in range(0, max(1, len(text)), _SEARCHED_AT_ONCE):
        begin = max(0, start - 1)  # one character back, so that the look-behind sees it
        part = _flat(text[begin : start + _SEARCHED_AT_ONCE + overlap])
        for match in pattern.finditer(part):
            span = begin + match.start(), begin + match.end()
            if span[0] >= done and span[0] < start + _SEARCHED_AT_ONCE:
                done = span[1]
                yield span


def _flat(text: str) -> str:
    """Lower case without accents, character by character, so that places stay the same."""
    if text.isascii():
        return text.lower()
    return "".join(map(_flat_char, text))


@lru_cache(maxsize=4096)
def _flat_char(char: str) -> str:
    return unicodedata.normalize("NFD", char)[0].lower()[0]


def windows(
    text: str,
    spans: Sequence[Span],
    *,
    budget: int,
    clean: Callable[[str], str],
    count: Callable[[list[str]], list[int]],
) -> list[str]:
    """Parts of `text`, cleaned, of at most `budget` tokens each: around `spans`, or spread over it without any.

    `clean` turns one raw word into what the model reads, `count` says how many tokens each of some cleaned words has.
    Empty when nothing of the text is left after cleaning.
    """
    found = placed_windows(text, spans, budget=budget, clean=clean, count=count)
    return [" ".join(clean(text[start:end]) for start, end in places) for places in found]


def placed_windows(
    text: str,
    spans: Sequence[Span],
    *,
    budget: int,
    clean: Callable[[str], str],
    count: Callable[[list[str]], list[int]],
) -> list[list[Span]]:
    """The same windows as the places of their words in `text`: what was read of it, and where that stands."""
    spans = sorted((max(0, start), min(len(text), end)) for start, end in spans[:MOST_SPANS])
    spans = [(start, end) for start, end in spans if start < end]
    found: list[list[Span]] = []
    for start, end in _regions(len(text), spans):
        places, words = _words(text, start, end, clean)
        if not words:
            continue
        costs = count(words)
        inside = [(max(start, first), min(end, last)) for first, last in spans if first < end and last > start]
        cuts = _around(places, costs, inside, budget) if inside else _spread(costs, budget)
        found += [places[first:last] for first, last in cuts if first < last]
    return _evenly(found, MOST_WINDOWS)


def _regions(length: int, spans: Sequence[Span]) -> list[Span]:
    """The stretches of the text that are looked at."""
    if length <= _WHOLE:
        return [(0, length)]
    if not spans:
        step = length / MOST_WINDOWS
        return [(int(place * step), min(length, int(place * step) + _AROUND)) for place in range(MOST_WINDOWS)]
    regions: list[Span] = []
    for start, end in spans:
        start, end = max(0, start - _AROUND), min(length, min(end, start + _LONGEST_TARGET) + _AROUND)
        if regions and start <= regions[-1][1]:
            regions[-1] = regions[-1][0], end
        else:
            regions.append((start, end))
    return _evenly(regions, MOST_WINDOWS)


def _words(text: str, start: int, end: int, clean: Callable[[str], str]) -> tuple[list[Span], list[str]]:
    """Raw places and cleaned forms of the words between `start` and `end`; words that clean to nothing are left out."""
    places: list[Span] = []
    words: list[str] = []
    for match in _WORD.finditer(text, *_at_spaces(text, start, end)):
        if word := clean(match[0]):
            places.append(match.span())
            words.append(word)
    return places, words


def _at_spaces(text: str, start: int, end: int) -> Span:
    """The stretch without the broken words at its edges, if spaces are near."""
    if start > 0 and (space := re.compile(r"\s").search(text, start, min(end, start + _EDGE))):
        start = space.end()
    if end < len(text) and (space := re.compile(r"\s(?=\S*$)").search(text[max(start, end - _EDGE) : end])):
        end = max(start, end - _EDGE) + space.start()
    return start, end


def _around(places: Sequence[Span], costs: Sequence[int], spans: Sequence[Span], budget: int) -> list[Span]:
    """Word ranges of windows that hold the spans; a span inside the last window needs none of its own."""
    cuts: list[Span] = []
    for start, end in spans:
        touched = [number for number, place in enumerate(places) if place[0] < end and place[1] > start]
        if not touched or (cuts and cuts[-1][0] <= touched[0] and touched[-1] < cuts[-1][1]):
            continue
        cuts.append(_grow(costs, touched[0], touched[-1] + 1, budget))
    return cuts[:MOST_WINDOWS]


def _grow(costs: Sequence[int], first: int, last: int, budget: int) -> Span:
    """A word range of at most `budget` tokens that starts with [first, last) and takes in both sides alike."""
    left = budget - sum(costs[first:last])
    while left < 0 and last - first > 1:
        last -= 1
        left += costs[last]
    before = after = 0
    while left > 0:
        back = first > 0 and costs[first - 1] <= left
        ahead = last < len(costs) and costs[last] <= left
        if back and (before <= after or not ahead):
            first -= 1
            before += costs[first]
            left -= costs[first]
        elif ahead:
            after += costs[last]
            left -= costs[last]
            last += 1
        else:
            break
    return first, last


def _spread(costs: Sequence[int], budget: int) -> list[Span]:
    """All words in consecutive ranges of at most `budget` tokens, thinned evenly when there are too many."""
    cuts: list[Span] = []
    first, held = 0, 0
    for number, cost in enumerate(costs):
        if held + cost > budget and number > first:
            cuts.append((first, number))
            first, held = number, 0
        held += cost
    if first < len(costs):
        cuts.append((first, len(costs)))
    return _evenly(cuts, MOST_WINDOWS)


def _evenly(items: list[T], most: int) -> list[T]:
    """At most `most` of the items, first and last among them, evenly apart."""
    if len(items) <= most:
        return items
    return [items[round(place * (len(items) - 1) / (most - 1))] for place in range(most)]
