"""English texts with words switched for those of another language: the labels stay, the words learn what they carry."""

import random
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from training.rows import Row

_WORD = re.compile(r"(?<![\w@#])[A-Za-z]{2,}(?![\w@])")  # whole, and nothing of a handle or hashtag
SHARE = 0.6  # of the words that have a counterpart

Switches = Mapping[str, Mapping[str, Sequence[str]]]
"""Per language, per English word, its counterparts, the likeliest first."""


def counterparts(glosses: Mapping[str, Sequence[str]], counts: Counter[str], most: int = 2) -> dict[str, list[str]]:
    """English words to the commonest words that have them as first gloss; `glosses` are those of each foreign word."""
    found: dict[str, list[str]] = {}
    for word, theirs in glosses.items():
        if theirs and " " not in (first := theirs[0].removeprefix("to ")):
            found.setdefault(first, []).append(word)
    return {first: sorted(words, key=lambda word: -counts[word])[:most] for first, words in found.items()}


def switch(row: Row, table: Mapping[str, Sequence[str]], rng: random.Random) -> Row:
    """The row with `SHARE` of its words in another language; handles, hashtags, links and the target stay."""
    kept = {word.lower() for word in (row.target or "").split()} | {"http", "user"}

    def other(match: re.Match[str]) -> str:
        word = match[0].lower()
        if word in kept or word not in table or rng.random() >= SHARE:
            return match[0]
        words = table[word]
        return words[0] if len(words) == 1 or rng.random() < 0.75 else rng.choice(words[1:])

    return replace(row, text=_WORD.sub(other, row.text))
