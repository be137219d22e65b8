"""Words left out of a text one after the other, and what that changes.

Words are left out of what the model reads; its windows stay where they are, so that nothing but the words is missing.
The brand's own words are never left out: without them another question would be asked. The work is bounded by
`MOST_TOKENS` and depends on nothing but the text and the model, not on the time it takes.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sentiment.backends.base import Encoded
from sentiment.windows import UNSPACED, Span

MOST_TOKENS = 3_000
"""What one text may cost, reading it included: less than a second on two slow cores with the bundled model."""

_FOR_WORDS = 0.75  # of the tokens; the rest is for phrases
_LONGEST_PHRASE = 3  # words
_ADDS = 3  # a phrase says more than its words from a third of the strongest one's effect on
_PARTS = 4  # into how many a stretch is split, and up to half as many more words are looked at one by one

_PICTURES = "\u203c\u2049\u2122-\u21ff\u2300-\u27bf\u2900-\u297f\u2b00-\u2bff\U0001f000-\U0001faff"
_JOINERS = "\u200d\ufe0e\ufe0f\u20e3\U000e0020-\U000e007f"
# Named one by one: what `\w` calls a letter leaves out the marks that many scripts write their vowels with.
_MARKS = "!-/:-@\\[-^`{-~¡-©«-±´¶-¸»¿\u2010-\u2027\u2030-\u205e\u3000-\u303f\uff01-\uff0f"
_LETTER = rf"[^\s{_MARKS}{_PICTURES}{UNSPACED}]"
_PIECE = re.compile(
    r"(?P<word>(?:https?://|www\.)\S+"
    rf"|[@#]?{_LETTER}+(?:['’.,&/@-]{_LETTER}+)*"
    rf"|[{UNSPACED}]{{1,4}}"
    rf"|[{_PICTURES}][{_PICTURES}{_JOINERS}]*)"
    rf"|[{_MARKS}]+"
)
_TELLING = re.compile(r"[!?].*|.{2,}", re.DOTALL)  # marks that shout, ask or smile; not a lone comma
_CLAUSE_ENDS = re.compile(r"[.,;:!?…\n]")


@dataclass(frozen=True, slots=True)
class Reading:
    """How a model has read one text.

    `windows` are the places of the words that it saw, window by window. `brand` are those that stay in, in order and
    apart. `costs` are the windows' tokens and `values` their measures, of which that of the text is the mean. `clean`
    turns a word into what is read of it, `encode` makes rows of cleaned windows, `weigh` says the measure of each row.
    """

    text: str
    brand: Sequence[Span]
    windows: Sequence[Sequence[Span]]
    costs: Sequence[int]
    values: Sequence[float]
    clean: Callable[[str], str]
    encode: Callable[[list[str]], list[Encoded]]
    weigh: Callable[[Sequence[Encoded]], list[float]]


@dataclass(frozen=True, slots=True)
class Effect:
    """How much higher the measure is with the characters [start, end) than without them; they hold `words` words."""

    start: int
    end: int
    words: int
    size: float


def effects(reading: Reading, margin: float) -> tuple[float, list[Effect]]:
    """The measure with nothing left but the brand, and the effects of the rest in the order of the text.

    Where not every word can be left out alone, whole stretches are, and those that matter most are looked at more
    closely; a stretch for which no tokens are left is not told of. Up to three words are told of as one where that
    says more than each alone: a difference of at least `margin`.
    """
    return _Search(reading).run(margin) if reading.windows else (0.0, [])


def pieces(text: str, start: int, end: int) -> list[Span]:
    """The words between two places: also links, handles, hashtags, numbers, emoji, and marks that tell something."""
    return [
        match.span()
        for match in _PIECE.finditer(text, start, end)
        if match["word"] is not None or _TELLING.fullmatch(match[0])
    ]


def outside(spans: Sequence[Span], start: int, end: int) -> list[Span]:
    """What of [start, end) none of the spans (in order and apart) holds."""
    found: list[Span] = []
    for first, last in spans:
        if last <= start:
            continue
        if first >= end:
            break
        if start < first:
            found.append((start, first))
        start = last
    if start < end:
        found.append((start, end))
    return found


def stretches(windows: Sequence[Sequence[Span]]) -> list[Span]:
    """From the first to the last character of each window, those that overlap joined."""
    return joined((places[0][0], places[-1][1]) for places in windows)


def joined(spans: Iterable[Span]) -> list[Span]:
    """The spans in order, those that touch or overlap made one."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return found


class _Search:
    """Nodes are ranges [first, last) of the words; none crosses the brand or a part of the text that was not read."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._left = MOST_TOKENS - sum(reading.costs)
        self._effects: dict[Span, float] = {}
        self._words: list[Span] = []
        self._roots: list[Span] = []
        for stretch in stretches(reading.windows):
            for start, end in outside(reading.brand, *stretch):
                self._add_root(pieces(reading.text, start, end))

    def _add_root(self, found: Sequence[Span]) -> None:
        words = [place for place in found if self._reading.clean(self._reading.text[slice(*place)])]
        if words:
            self._roots.append((len(self._words), len(self._words) + len(words)))
            self._words += words

    def run(self, margin: float) -> tuple[float, list[Effect]]:
        """The measure of the brand alone, and the effects of all nodes that were paid for."""
        everything = outside(self._reading.brand, 0, len(self._reading.text))
        rows = self._encode([self._without(places, everything) for places in self._reading.windows])
        self._left -= sum(len(row.ids) for row in rows)
        bare = self._weigh(rows)
        words = [(word, word + 1) for word in range(len(self._words))]
        if sum(self._cost(word) for word in words) <= self._left * _FOR_WORDS:
            self._leave_out([words])
            nodes = words
        else:
            nodes = self._narrow(bare)
        nodes = self._with_phrases(nodes, margin)
        found = [Effect(*self._hole(node), node[1] - node[0], self._effects[node]) for node in nodes]
        return sum(bare) / len(bare), found

    def _narrow(self, bare: Sequence[float]) -> list[Span]:
        """Stretches, of which always the one that matters most is split, until the tokens are spent."""
        swayed = [abs(value - base) for value, base in zip(self._reading.values, bare, strict=True)]
        roots = sorted(self._roots, key=lambda root: -max(swayed[at] for at in self._touched(root)))
        self._leave_out([[root] for root in roots])
        nodes = [root for root in self._roots if root in self._effects]
        whole = [node for node in nodes if node[1] - node[0] > 1]
        while whole:
            node = max(whole, key=lambda node: (abs(self._effects[node]), -node[0]))
            whole.remove(node)
            parts = self._split(node)
            self._leave_out([parts])
            if parts[0] in self._effects:
                at = nodes.index(node)
                nodes[at : at + 1] = parts
                whole += [part for part in parts if part[1] - part[0] > 1]
        return nodes

    def _split(self, node: Span) -> list[Span]:
        """A few words each alone; more in a few parts, where a clause ends if one ends near."""
        first, last = node
        many = last - first
        if many <= _PARTS * 3 // 2:
            return _alone(node)
        reach = many // _PARTS // 2
        cuts = [first]
        for part in range(1, _PARTS):
            even = first + many * part // _PARTS
            near = sorted(range(max(cuts[-1] + 1, even - reach), even + reach), key=lambda at: abs(at - even))
            cuts.append(next((at for at in near if _CLAUSE_ENDS.search(self._between(at - 1))), even))
        return list(zip(cuts, [*cuts[1:], last], strict=True))

    def _between(self, word: int) -> str:
        """What stands between a word and the next one, with the last character of the word, which may be a mark."""
        (_, end), (following, _) = self._words[word : word + 2]
        return self._reading.text[end - 1 : following]

    def _with_phrases(self, nodes: list[Span], margin: float) -> list[Span]:
        """The nodes, but words that say more together than alone are one."""
        candidates = self._phrases(nodes)
        candidates.sort(key=lambda phrase: (-max(abs(self._effects[word]) for word in _alone(phrase)), phrase))
        self._leave_out([[phrase] for phrase in candidates])
        gains = {phrase: self._gain(phrase) for phrase in candidates if phrase in self._effects}
        taken: list[Span] = []
        for phrase in sorted(gains, key=lambda phrase: (-gains[phrase], phrase)):
            least = max(margin, max(abs(self._effects[word]) for word in _alone(phrase)) / _ADDS)
            telling = min(gains[phrase], abs(self._effects[phrase])) >= least
            if telling and all(phrase[1] <= first or last <= phrase[0] for first, last in taken):
                taken.append(phrase)
        within = {word for phrase in taken for word in _alone(phrase)}
        return sorted([*taken, *(node for node in nodes if node not in within)])

    def _phrases(self, nodes: Sequence[Span]) -> list[Span]:
        """Two or three words side by side in one clause, each of which was left out alone."""
        alone = {first for first, last in nodes if last - first == 1}
        starts = {first for first, _ in self._roots}
        found: list[Span] = []
        for first in sorted(alone):
            for word in range(first + 1, first + _LONGEST_PHRASE):
                if word not in alone or word in starts or _CLAUSE_ENDS.search(self._between(word - 1)):
                    break
                found.append((first, word + 1))
        return found

    def _gain(self, phrase: Span) -> float:
        """How far the effect of a phrase is from the sum of its parts', whichever way it is taken apart."""
        first, last = phrase
        ways = [_alone(phrase), *([(first, at), (at, last)] for at in range(first + 1, last))]
        known = [way for way in ways if all(part in self._effects for part in way)]
        return min(abs(self._effects[phrase] - sum(self._effects[part] for part in way)) for way in known)

    def _hole(self, node: Span) -> Span:
        return self._words[node[0]][0], self._words[node[1] - 1][1]

    def _touched(self, node: Span) -> list[int]:
        """The windows in which words of the node stand."""
        start, end = self._hole(node)
        windows = enumerate(self._reading.windows)
        return [at for at, places in windows if places[0][0] < end and places[-1][1] > start]

    def _cost(self, node: Span) -> int:
        """About how many tokens leaving out the node takes."""
        return sum(self._reading.costs[at] for at in self._touched(node))

    def _leave_out(self, groups: Sequence[Sequence[Span]]) -> None:
        """Find the effects of nodes; of a group all or, where the tokens do not go so far, none."""
        paid: list[tuple[Span, int, Encoded]] = []
        for group in groups:
            places = [(node, at) for node in group for at in self._touched(node)]
            rows = self._encode([self._without(self._reading.windows[at], [self._hole(node)]) for node, at in places])
            cost = sum(len(row.ids) for row in rows)
            if cost <= self._left:
                self._left -= cost
                paid += [(node, at, row) for (node, at), row in zip(places, rows, strict=True)]
        for (node, at, _), value in zip(paid, self._weigh([row for *_, row in paid]), strict=True):
            change = (self._reading.values[at] - value) / len(self._reading.values)
            self._effects[node] = self._effects.get(node, 0.0) + change

    def _without(self, places: Sequence[Span], holes: Sequence[Span]) -> str:
        """A window as it is read without the characters in the holes."""
        text, clean = self._reading.text, self._reading.clean
        words = (clean(text[first:last]) for start, end in places for first, last in outside(holes, start, end))
        return " ".join(word for word in words if word)

    def _encode(self, windows: Sequence[str]) -> list[Encoded]:
        """Rows; one without a token where nothing is left to read."""
        rows = iter(self._reading.encode([window for window in windows if window]))
        return [next(rows) if window else Encoded((), ()) for window in windows]

    def _weigh(self, rows: Sequence[Encoded]) -> list[float]:
        """The measure of each row; nothing to read is neutral by definition."""
        values = iter(self._reading.weigh([row for row in rows if row.ids]))
        return [next(values) if row.ids else 0.0 for row in rows]


def _alone(node: Span) -> list[Span]:
    return [(word, word + 1) for word in range(*node)]
