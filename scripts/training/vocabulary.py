"""Whole words of another language for an English WordPiece vocabulary, each started from its English glosses.

A Spanish word breaks into pieces that mean nothing in English. Added whole, with the embedding of what a dictionary
says it means, it is understood before any training (see the model card for what that gives).
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import torch
from snowballstemmer import stemmer
from tokenizers import Tokenizer
from torch import Tensor

from training.spanish import ENDINGS, IRREGULAR

_NOTE = re.compile(r"\b(form|plural|singular|person|obsolete|abbreviation|participle|misspelling|initialism|used)\b")
_EMPTY = frozenset(("to", "the", "a", "an", "of", "be", "one", "s", "someone", "something"))


def count_words(tokenizer: Tokenizer, texts: Iterable[str]) -> Counter[str]:
    """How often each word occurs, split and stripped of accents exactly as the tokenizer does it."""
    counts: Counter[str] = Counter()
    for text in texts:
        normal = tokenizer.normalizer.normalize_str(text)
        counts.update(word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(normal))
    return counts


STEMMERS = {"es": "spanish", "fr": "french", "de": "german", "it": "italian", "pt": "portuguese"}


def choose(theirs: Counter[str], english: Counter[str], most: int) -> list[str]:
    """The commonest words of the language that are not (a third as) common in English."""
    scale = english.total() / max(1, theirs.total())
    fresh = (
        word
        for word, count in theirs.most_common()
        if count >= 2 and len(word) >= 2 and word.isalpha() and english[word] < count * scale / 3
    )
    return [word for word, _ in zip(fresh, range(most), strict=False)]


class Glosses:
    """What words mean in English: from a dictionary file, and from what stands opposite them in parallel sentences.

    The dictionary knows few irregular forms and lists rare senses first; the sentences know which sense is meant, but
    only for common words. So a word's clear counterpart in the sentences comes first, then the dictionary's glosses,
    of which those that stand opposite, are short and are common in English win. Inflected forms are led to a lemma, by
    rules (Spanish) or by a stem that they share with one (Snowball).
    """

    def __init__(
        self, path: Path, lang: str, tokenizer: Tokenizer, english: Counter[str], pairs: list[tuple[str, str]]
    ) -> None:
        self.lang, self.english = lang, english
        self.entries, self.lemmas = dict[str, Counter[str]](), dict[str, str]()
        self.opposite = _opposites(tokenizer, pairs)
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                word, _, glosses, lemma = (*line.rstrip("\n").split("\t"), "", "", "")[:4]
                key = tokenizer.normalizer.normalize_str(word)
                kept = [gloss.strip() for gloss in glosses.lower().split("|") if gloss and not _NOTE.search(gloss)]
                self.entries.setdefault(key, Counter()).update(gloss for gloss in kept if len(gloss.split()) <= 4)
                if lemma:
                    self.lemmas.setdefault(key, tokenizer.normalizer.normalize_str(lemma))
        self._stem = stemmer(STEMMERS[lang]).stemWord
        self._stems: dict[str, Counter[str]] = {}
        for word, found in self.entries.items():
            if word.isalpha():
                self._stems.setdefault(self._stem(word), Counter()).update(found)

    def common(self, known: Iterable[str], least: int) -> list[str]:
        """Headwords with a one-word gloss that occurs `least` times in English, commonest gloss first."""
        passed = frozenset(known)
        found: list[tuple[int, str]] = []
        for word, glosses in self.entries.items():
            if word.isalpha() and len(word) >= 3 and word not in passed and self.english[word] < 3:
                count = max((self.english[gloss.removeprefix("to ")] for gloss in glosses), default=0)
                if count >= least:
                    found.append((-count, word))
        return [word for _, word in sorted(found)]

    def of(self, word: str, best: int = 2) -> list[str]:
        """The `best` likeliest English glosses of a word, empty when none is known."""
        if self.lang == "es" and word in IRREGULAR:
            return [IRREGULAR[word]]
        likely = self.opposite.get(word, {})
        # Among equals the first of the alphabet: they come from sets, which have another order in every run.
        nearest = min(likely, key=lambda other: (-likely[other], other), default="")
        chosen = [nearest] if likely.get(nearest, 0.0) >= 0.25 else []
        for found in self._entries(word):
            if found:
                ranked = sorted(found, key=lambda gloss: self._likeliness(gloss, found[gloss], likely), reverse=True)
                chosen += [gloss for gloss in ranked if gloss not in chosen]
                break
        return chosen[:best]

    def _entries(self, word: str) -> Iterable[Counter[str]]:
        for form in self._forms(word):
            yield self.entries.get(form, Counter())
        yield self._stems.get(self._stem(word), Counter())

    def _forms(self, word: str) -> Iterable[str]:
        yield word
        if lemma := self.lemmas.get(word):
            yield lemma
        if self.lang != "es":
            return
        for ending, others in ENDINGS:
            if word.endswith(ending) and len(word) - len(ending) >= 2:
                for other in others:
                    yield word[: -len(ending)] + other

    def _likeliness(self, gloss: str, times: int, likely: dict[str, float]) -> float:
        words = [word for word in re.findall(r"[a-z]+", gloss) if word not in _EMPTY]
        if not words:
            return -1.0
        common = sum(math.log1p(self.english[word]) for word in words) / len(words)
        opposite = max(likely.get(word, 0.0) for word in words)
        return common + 1.5 * math.log(times) + 12 * opposite - 1.5 * (len(words) - 1)


def _opposites(tokenizer: Tokenizer, pairs: list[tuple[str, str]]) -> dict[str, dict[str, float]]:
    """Per foreign word the English words of its sentences' translations, by Dice coefficient (0..1), those over 0.1."""
    ours: Counter[str] = Counter()
    theirs: Counter[str] = Counter()
    both: Counter[tuple[str, str]] = Counter()
    for first, second in pairs:
        here, there = (set(count_words(tokenizer, [side])) for side in (first, second))
        ours.update(here)
        theirs.update(there)
        both.update((there_word, word) for there_word in there for word in here)
    found: dict[str, dict[str, float]] = {}
    for (foreign, word), times in both.items():
        dice = 2 * times / (ours[word] + theirs[foreign])
        if dice > 0.1 and times >= 3 and word.isalpha():
            found.setdefault(foreign, {})[word] = dice
    return found


def extend(tokenizer: Tokenizer, words: Iterable[str]) -> Tokenizer:
    """The tokenizer with `words` as whole words at the end of its vocabulary."""
    parts = json.loads(tokenizer.to_str())
    vocabulary = parts["model"]["vocab"]
    for word in words:
        vocabulary[word] = len(vocabulary)
    parts["truncation"] = parts["padding"] = None
    return Tokenizer.from_str(json.dumps(parts, ensure_ascii=False))


class Meanings:
    """Embeddings of glosses, from an English `table` and its tokenizer."""

    def __init__(self, table: Tensor, tokenizer: Tokenizer) -> None:
        tokenizer.no_padding()  # the backbone's file pads to 128, and a mean over padding says nothing
        tokenizer.no_truncation()
        self._table, self._tokenizer = table, tokenizer
        self._norm = table.norm(dim=1).mean()

    def of(self, texts: Iterable[str]) -> Tensor:
        """The mean embedding (width,) of the words of `texts`, as long as embeddings are on the average."""
        means = [self._mean(" ".join(part for part in text.split() if part not in _EMPTY) or text) for text in texts]
        return self.sized(torch.stack(means).mean(0))

    def sized(self, value: Tensor) -> Tensor:
        """`value` with the length that embeddings have on the average."""
        return value / value.norm() * self._norm

    def _mean(self, text: str) -> Tensor:
        return self._table[self._tokenizer.encode(text, add_special_tokens=False).ids].mean(0)
